//! Names that reach paths, ids and secrets.

use media::{ChannelPath, Name, NameError, Redacted, StreamId};

#[test]
fn only_letters_digits_underscore_and_hyphen_make_a_name() {
    for byte in 0u8..=127 {
        let text = format!("a{}b", char::from(byte));
        let allowed = byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        assert_eq!(text.parse::<Name>().is_ok(), allowed, "{text:?}");
    }
    for beyond in ['é', 'ａ', '\u{200b}', '．', '\u{202e}', '😀'] {
        assert!(format!("a{beyond}").parse::<Name>().is_err(), "{beyond:?}");
    }
}

#[test]
fn a_refusal_says_where_and_why() {
    assert_eq!("".parse::<Name>(), Err(NameError::Empty));
    assert_eq!("kelas/1".parse::<Name>(), Err(NameError::Character(5)));
    assert_eq!("x".repeat(65).parse::<Name>(), Err(NameError::TooLong));
    assert_eq!(NameError::TooLong.to_string(), "name is longer than 64 characters");
    assert!(NameError::Character(5).to_string().ends_with("at byte 5"));
    assert_eq!(NameError::Empty.to_string(), "name is empty");
}

#[test]
fn a_refusal_of_a_huge_text_is_no_slower_than_its_length() {
    assert!("x".repeat(1 << 20).parse::<Name>().is_err());
    assert_eq!(format!("{}/", "x".repeat(1 << 20)).parse::<Name>(), Err(NameError::Character(1 << 20)));
}

#[test]
fn names_and_paths_print_as_they_were_written_and_compare_by_case() {
    let name = |text: &str| text.parse::<Name>().expect("a name");
    let path = ChannelPath { app: name("live"), name: name("Kelas-1") };
    assert_eq!(path.to_string(), "live/Kelas-1");
    assert_eq!(format!("{:?}", path.name), "\"Kelas-1\"");
    assert_ne!(name("kelas"), name("Kelas"));
    let other = ChannelPath { app: name("live"), name: name("Kelas-2") };
    assert!(path < other);
}

#[test]
fn a_stream_id_reads_back_from_its_text() {
    for id in [0, 1, 1_700_000_000_000, u64::MAX] {
        assert_eq!(StreamId(id).to_string().parse(), Ok(StreamId(id)));
    }
    for bad in ["", "-1", "1.5", "18446744073709551616", "0x1", " 1"] {
        assert!(bad.parse::<StreamId>().is_err(), "{bad:?}");
    }
}

#[test]
fn a_secret_prints_nothing_wherever_it_is_held() {
    #[derive(Debug)]
    struct Holder {
        _key: Redacted<String>,
    }
    let holder = Holder { _key: Redacted("kunci".to_owned()) };
    let shown = format!("{holder:?} {holder:#?} {:?}", Some(&Redacted(vec![1, 2, 3])));
    assert!(!shown.contains("kunci") && !shown.contains("[1"), "{shown}");
    assert_eq!(shown.matches("[redacted]").count(), 3);
    assert_eq!(Redacted("a"), Redacted("a"));
}

#[test]
fn a_secret_stays_one_under_width_alternate_and_pretty_printing() {
    let secret = Redacted("kunci-rahasia".to_owned());
    for shown in [format!("{secret:#?}"), format!("{secret:>40}"), format!("{:?}", secret.clone()), secret.to_string()]
    {
        assert!(!shown.contains("kunci") && shown.contains("[redacted]"), "{shown}");
    }
    assert_ne!(secret, Redacted("lain".to_owned()), "it still compares");
    assert_eq!(secret.0, "kunci-rahasia", "and is there for those who ask for it");
}
