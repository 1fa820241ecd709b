//! What any repository must do with what the server signs with.

use control::audit::{AuditAction, AuditQuery};
use control::secrets::{Older, SecretName};
use control::{Repository, RepositoryError, keys};
use media::UnixMillis;

/// Runs where no secret was made.
pub async fn secrets_contract(repository: &dyn Repository) {
    of_a_name_without_a_key_none_is_rotated_or_retired(repository).await;
    a_new_key_comes_first_and_the_older_ones_stand_until_they_are_retired(repository).await;
    each_rotation_and_retirement_is_noted_without_a_value(repository).await;
}

const NAME: SecretName = SecretName::Playback;
const NONE: [i64; 0] = [];

async fn standing(repository: &dyn Repository) -> Vec<(i64, UnixMillis)> {
    let secrets = repository.secrets(NAME, &keys::generate(), UnixMillis(99)).await.expect("read");
    secrets.iter().map(|secret| (secret.kid, secret.created)).collect()
}

async fn of_a_name_without_a_key_none_is_rotated_or_retired(repository: &dyn Repository) {
    assert_eq!(repository.secrets_seen().await.expect("read"), []);
    let rotated = repository.rotate_secret(NAME, &keys::generate(), UnixMillis(1)).await;
    assert!(matches!(rotated, Err(RepositoryError::NotFound("secret"))), "{rotated:?}");
    assert_eq!(repository.retire_secrets(NAME, Older::All, UnixMillis(1)).await.expect("asked"), NONE);
}

async fn a_new_key_comes_first_and_the_older_ones_stand_until_they_are_retired(repository: &dyn Repository) {
    let other = repository.secrets(SecretName::Oidc, &keys::generate(), UnixMillis(1)).await.expect("made");
    let first = keys::generate();
    let made = repository.secrets(NAME, &first, UnixMillis(1)).await.expect("made");
    for older in [Older::Oldest, Older::All] {
        assert_eq!(repository.retire_secrets(NAME, older, UnixMillis(2)).await.expect("asked"), NONE, "it signs");
    }
    for (kid, at) in [(2, 20), (3, 30), (4, 40)] {
        assert_eq!(repository.rotate_secret(NAME, &keys::generate(), UnixMillis(at)).await.expect("rotated"), kid);
    }
    let expected = [(4, 40), (3, 30), (2, 20), (1, 1)].map(|(kid, at)| (kid, UnixMillis(at)));
    assert_eq!(standing(repository).await, expected);
    let kept = repository.secrets(NAME, &keys::generate(), UnixMillis(9)).await.expect("read");
    assert_eq!(kept.last(), made.first(), "the first is as it was");
    assert_eq!(repository.retire_secrets(NAME, Older::Oldest, UnixMillis(50)).await.expect("retired"), [1]);
    assert_eq!(standing(repository).await, expected[..3]);
    assert_eq!(repository.retire_secrets(NAME, Older::All, UnixMillis(60)).await.expect("retired"), [2, 3]);
    assert_eq!(standing(repository).await, expected[..1]);
    assert_eq!(repository.retire_secrets(NAME, Older::All, UnixMillis(70)).await.expect("asked"), NONE);
    let seen = repository.secrets_seen().await.expect("read");
    let seen: Vec<_> = seen.iter().map(|key| (key.name.as_str(), key.kid, key.created.0, key.retired)).collect();
    let retired = |at| Some(UnixMillis(at));
    assert_eq!(
        seen,
        [
            ("oidc", 1, 1, None),
            ("playback", 4, 40, None),
            ("playback", 3, 30, retired(60)),
            ("playback", 2, 20, retired(60)),
            ("playback", 1, 1, retired(50)),
        ]
    );
    let same = repository.secrets(SecretName::Oidc, &keys::generate(), UnixMillis(9)).await.expect("read");
    assert_eq!(same, other, "of another name nothing changed");
    assert_eq!(repository.rotate_secret(NAME, &keys::generate(), UnixMillis(80)).await.expect("rotated"), 5);
}

async fn each_rotation_and_retirement_is_noted_without_a_value(repository: &dyn Repository) {
    let query = AuditQuery { subject: Some("secret:playback".to_owned()), ..AuditQuery::default() };
    let lines = repository.audit(&query, 99).await.expect("read");
    let told = |action: AuditAction| {
        let of_action = lines.iter().rev().filter(|line| line.action == action && line.actor.is_none());
        let mut told: Vec<_> = of_action.map(|line| (line.detail.as_str(), line.at.0)).collect();
        told.sort_unstable();
        told
    };
    assert_eq!(told(AuditAction::SecretRotated), [("key 2", 20), ("key 3", 30), ("key 4", 40), ("key 5", 80)]);
    assert_eq!(told(AuditAction::SecretRetired), [("key 1", 50), ("key 2", 60), ("key 3", 60)]);
    assert_eq!(lines.len(), 7);
}
