use proptest::prelude::*;

use super::*;

#[test]
fn an_address_is_kept_in_lower_case_and_only_if_mail_reaches_it() {
    for (typed, kept) in [
        ("siti@example.com", "siti@example.com"),
        ("  Siti.Aminah+kelas@Sekolah.Example.CO.ID ", "siti.aminah+kelas@sekolah.example.co.id"),
        ("o'brien@example.com", "o'brien@example.com"),
        ("operator@localhost", "operator@localhost"),
        ("a@xn--bcher-kva.example", "a@xn--bcher-kva.example"),
    ] {
        assert_eq!(Email::of(typed).map(|email| email.to_string()).as_deref(), Ok(kept), "{typed}");
    }
    let long_local = format!("{}@example.com", "a".repeat(65));
    let long_label = format!("a@{}.com", "b".repeat(64));
    let long = format!("a@{}example.com", "bcd.".repeat(64));
    for bad in [
        "",
        "@",
        "a@",
        "@example.com",
        "siti",
        "a b@example.com",
        "a@@example.com",
        "a..b@example.com",
        ".a@example.com",
        "a@-x.com",
        "a@x-.com",
        "a@x..com",
        "a@.com",
        "a@x.com.",
        "\"a b\"@x.com",
        "a@[127.0.0.1]",
        "a@127.0.0.1",
        "a@x.com\r\nBcc: b@x.com",
        "a,b@x.com",
        "<a@x.com>",
        "é@x.com",
        "a@büro.example",
        &long_local,
        &long_label,
        &long,
    ] {
        assert_eq!(Email::of(bad), Err(EmailError), "{bad}");
    }
    assert!(Email::of("operator@localhost").expect("good").is_local());
    assert!(!Email::of("a@example.com").expect("good").is_local());
}

#[test]
fn a_name_is_what_people_see() {
    assert_eq!(person_name("  Dr. Siti Aminah, M.Pd. ").as_deref(), Ok("Dr. Siti Aminah, M.Pd."));
    assert_eq!(person_name(&"é".repeat(100)).map(|name| name.chars().count()), Ok(100));
    for bad in ["", "   ", "a\nb", "a\u{0}b", "a\u{202e}b", "a\u{2066}b", &"x".repeat(101)] {
        assert_eq!(person_name(bad), Err(NameError), "{bad:?}");
    }
}

#[test]
fn purposes_survive_their_text_and_end_in_time() {
    for purpose in LinkPurpose::ALL {
        assert_eq!(purpose.as_str().parse(), Ok(*purpose));
        assert!((HOUR_MS..=DAY_MS).contains(&purpose.lifetime_ms()));
    }
    assert_eq!("sign-in".parse::<LinkPurpose>(), Err(LinkPurposeError));
}

#[test]
fn a_link_keeps_the_hash_of_its_token_alone() {
    let user = UserId::new(UnixMillis(1));
    let (kept, token) = OneTimeLink::create(user, LinkPurpose::Reset, UnixMillis(1_000));
    assert_eq!(kept.hash, KeyHash::of(&token.0));
    assert_eq!((kept.user, kept.purpose, kept.expires), (user, LinkPurpose::Reset, UnixMillis(1_000 + HOUR_MS)));
    assert!(!format!("{kept:?}").contains(&token.0));
    assert!(token.0.len() >= 43, "32 random bytes take 43 characters of 6 bits");
    assert_ne!(OneTimeLink::create(user, LinkPurpose::Reset, UnixMillis(1_000)).1, token);
}

#[test]
fn a_link_opens_in_the_app_of_the_role_and_hides_its_token_behind_the_fragment() {
    let token = Redacted("T".to_owned());
    let path = |mentee, mentor, operator| link_path(Roles { mentee, mentor, operator }, LinkPurpose::Verify, &token).0;
    assert_eq!(path(true, false, false), "/mymentor/link#T");
    assert_eq!(path(true, true, false), "/mymentee/link#T");
    assert_eq!(path(false, false, true), "/mymentee/link#T");
    assert_eq!(path(false, false, false), "/mymentor/link#T");
    assert_eq!(format!("{:?}", link_path(Roles::default(), LinkPurpose::SignIn, &token)), "[redacted]");
}

#[test]
fn a_link_for_a_new_password_opens_the_page_that_chooses_one() {
    let token = Redacted("T".to_owned());
    let path = |mentor, purpose| link_path(Roles { mentor, ..Roles::default() }, purpose, &token).0;
    assert_eq!(path(false, LinkPurpose::Reset), "/mymentor/password#T");
    assert_eq!(path(true, LinkPurpose::Reset), "/mymentee/password#T");
    for signs_in in [LinkPurpose::SignIn, LinkPurpose::Verify] {
        assert_eq!(path(false, signs_in), "/mymentor/link#T");
        assert_eq!(path(true, signs_in), "/mymentee/link#T");
    }
}

#[test]
fn one_returns_to_a_path_of_this_server_only() {
    for good in ["/", "/mymentor/", "/mymentor/lessons?state=live&x=%2F#top"] {
        assert_eq!(return_path(good), Some(good));
    }
    let long = format!("/{}", "a".repeat(512));
    for bad in [
        "",
        "mymentor/",
        "//evil.example/",
        "/\\evil.example",
        "https://evil.example/",
        "/a b",
        "/a\r\nSet-Cookie: x=1",
        "/\t/evil.example",
        "\\\\evil",
        "javascript:alert(1)",
        "/é",
        &long,
    ] {
        assert_eq!(return_path(bad), None, "{bad:?}");
    }
}

fn somebody() -> User {
    User {
        id: UserId::new(UnixMillis(1)),
        email: "siti@example.com".to_owned(),
        name: "Siti".to_owned(),
        locale: Locale::Id,
        zone: "Asia/Jakarta".to_owned(),
        roles: Roles { mentee: true, ..Roles::default() },
        password: None,
        verified: None,
        suspended: None,
        created: UnixMillis(1),
        version: 4,
    }
}

#[test]
fn a_change_changes_what_it_names_and_counts() {
    let user = somebody();
    let unchanged = UserChange::default().of(&user, UnixMillis(9));
    assert_eq!(unchanged, User { version: 5, ..user.clone() });
    let suspended = UserChange { suspended: Some(true), ..UserChange::default() }.of(&user, UnixMillis(9));
    assert_eq!(suspended.suspended, Some(UnixMillis(9)));
    let again = UserChange { suspended: Some(true), ..UserChange::default() }.of(&suspended, UnixMillis(99));
    assert_eq!(again.suspended, Some(UnixMillis(9)), "since the first time");
    let restored = UserChange { suspended: Some(false), ..UserChange::default() }.of(&suspended, UnixMillis(99));
    assert_eq!(restored.suspended, None);
    let roles = Roles { mentor: true, ..Roles::default() };
    let change = UserChange {
        name: Some("Siti A.".to_owned()),
        locale: Some(Locale::En),
        zone: Some("Asia/Makassar".to_owned()),
        roles: Some(roles),
        suspended: None,
    };
    let changed = change.of(&user, UnixMillis(9));
    assert_eq!(
        (changed.name.as_str(), changed.locale, changed.zone.as_str()),
        ("Siti A.", Locale::En, "Asia/Makassar")
    );
    assert_eq!((changed.roles, changed.email, changed.version), (roles, user.email, 5));
}

#[test]
fn the_journal_says_what_of_an_account_matters_later() {
    let user = somebody();
    let said = |after: &User| -> Vec<(AuditAction, String)> {
        entries(&user, after, None, "cli", UnixMillis(9)).into_iter().map(|e| (e.action, e.detail)).collect()
    };
    assert_eq!(said(&User { name: "X".to_owned(), ..user.clone() }), []);
    let after = User {
        roles: Roles { mentor: true, operator: true, mentee: false },
        suspended: Some(UnixMillis(9)),
        ..user.clone()
    };
    assert_eq!(
        said(&after),
        [
            (AuditAction::RolesChanged, "cli: mentee to mentor+operator".to_owned()),
            (AuditAction::Suspended, "cli".to_owned())
        ]
    );
    let restored = entries(&after, &User { suspended: None, ..after.clone() }, Some(user.id), "", UnixMillis(9));
    assert_eq!((restored.len(), restored[0].action, restored[0].actor), (1, AuditAction::Restored, Some(user.id)));
}

proptest! {
    #[test]
    fn an_address_once_taken_is_taken_again_as_it_is(typed in "\\PC{0,40}@\\PC{0,40}") {
        if let Ok(email) = Email::of(&typed) {
            prop_assert_eq!(Email::of(email.as_str()), Ok(email.clone()));
            prop_assert!(!email.as_str().contains(|c: char| c.is_whitespace() || c.is_control() || c.is_uppercase()));
        }
    }

    #[test]
    fn no_path_that_is_taken_leaves_this_server(asked in "[/\\\\]{0,3}\\PC{0,20}") {
        if let Some(path) = return_path(&asked) {
            // WHATWG URL, "relative slash state": only a second slash of either kind changes the host.
            prop_assert!(path.starts_with('/') && !path[1..].starts_with(['/', '\\']));
        }
    }
}
