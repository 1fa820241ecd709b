//! What webhooks are told of, and how it is signed.

use super::*;

fn webhook(kinds: Vec<ChangeKind>) -> Webhook {
    Webhook {
        id: WebhookId::new(UnixMillis(1)),
        owner: UserId::new(UnixMillis(1)),
        url: Redacted("https://example.test/tayang".to_owned()),
        secret: Redacted("rahasia".to_owned()),
        kinds,
        created: UnixMillis(1),
        disabled: None,
        version: 1,
    }
}

#[test]
fn a_webhook_is_told_of_lessons_and_of_what_it_wants() {
    let all = webhook(Vec::new());
    let wanted: Vec<ChangeKind> = ChangeKind::ALL.iter().copied().filter(|kind| all.wants(*kind)).collect();
    assert_eq!(wanted.len(), KINDS.len() - 1, "all but comments");
    assert!(webhook(vec![ChangeKind::CommentHeld]).wants(ChangeKind::CommentHeld), "which are named");
    assert!(!all.wants(ChangeKind::Revoked) && !all.wants(ChangeKind::User));
    let one = webhook(vec![ChangeKind::LessonEnded, ChangeKind::User]);
    let wanted: Vec<ChangeKind> = ChangeKind::ALL.iter().copied().filter(|kind| one.wants(*kind)).collect();
    assert_eq!(wanted, [ChangeKind::LessonEnded], "what is no lesson's is never told");
    let off = Webhook { disabled: Some(UnixMillis(2)), ..all };
    assert!(!ChangeKind::ALL.iter().any(|kind| off.wants(*kind)));
}

/// Computed with Python: `hmac.new(b"rahasia", b'1700000000.{"a":1}', "sha256").hexdigest()`.
#[test]
fn a_signature_is_what_others_compute() {
    let signed = signature("rahasia", 1_700_000_000, br#"{"a":1}"#);
    assert_eq!(signed, "v1=efc40694ade7cea9d382b67309b4bdda5bb978766141c75a19fd823196cbedd5");
    assert_ne!(signed, signature("rahasia", 1_700_000_001, br#"{"a":1}"#), "a time of its own");
    assert_ne!(signed, signature("rahasi", 1_700_000_000, br#"{"a":1}"#), "a secret of its own");
    assert_ne!(signed, signature("rahasia", 1_700_000_000, br#"{"a":2}"#), "a body of its own");
}
