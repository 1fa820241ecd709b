//! What a password must be. Length and not being among the first that are tried count (NIST SP 800-63B section 5.1.1.2);
//! which kinds of characters are in it does not.

/// Shortest password, in characters.
pub const LENGTH_MIN: usize = 10;
/// Longest password, in bytes: any sentence, and little to hash.
pub const LENGTH_MAX: usize = 256;

/// What is wrong with a password. No text repeats it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Too short.
    #[error("must have at least {} characters: a few words in a row are good", LENGTH_MIN)]
    TooShort,
    /// Too long.
    #[error("must have at most {} bytes", LENGTH_MAX)]
    TooLong,
    /// The address or the name, or little more.
    #[error("must not be made of your name or address: choose something that nobody knows of you")]
    Yours,
    /// Among the first that anybody tries.
    #[error("is among the first passwords that anybody tries: choose another")]
    Common,
}

/// Of the lists of leaked passwords, the words from which those of 10 characters and more are made: alone, repeated, or
/// with digits and signs around them. `indonesia`, `sayang`, `bismillah` and the like lead the local lists.
const COMMON: &[&str] = &[
    "password",
    "passw0rd",
    "qwerty",
    "qwertyuiop",
    "qwerty12345",
    "asdfghjkl",
    "zxcvbnm",
    "qazwsxedc",
    "1q2w3e4r5t",
    "1qaz2wsx3edc",
    "iloveyou",
    "letmein",
    "welcome",
    "dragon",
    "monkey",
    "sunshine",
    "princess",
    "football",
    "baseball",
    "superman",
    "trustno1",
    "administrator",
    "admin",
    "operator",
    "changeme",
    "secret",
    "master",
    "whatever",
    "michael",
    "abcdefghij",
    "abc",
    "default",
    "computer",
    "internet",
    "samsung",
    "pokemon",
    "starwars",
    "google",
    "facebook",
    "indonesia",
    "jakarta",
    "bandung",
    "surabaya",
    "sayang",
    "sayangku",
    "cinta",
    "cintaku",
    "bismillah",
    "alhamdulillah",
    "rahasia",
    "katasandi",
    "sandi",
    "merdeka",
    "garuda",
    "kucing",
    "bintang",
    "anjing",
    "terserah",
    "mentor",
    "mentee",
    "mymentor",
    "mymentee",
    "tayang",
];

/// Whether somebody with that address and name may have that password.
///
/// # Errors
/// [`PasswordError`].
pub fn check(password: &str, email: &str, name: &str) -> Result<(), PasswordError> {
    if password.chars().count() < LENGTH_MIN {
        return Err(PasswordError::TooShort);
    }
    if password.len() > LENGTH_MAX {
        return Err(PasswordError::TooLong);
    }
    let plain = password.to_lowercase();
    let core = core(&plain);
    let local = email.split('@').next().unwrap_or_default();
    let together: String = name.to_lowercase().chars().filter(|c| !c.is_whitespace()).collect();
    let name = name.to_lowercase();
    for own in [email, local, &name, &together] {
        if !own.is_empty() && (plain == own || core == self::core(own)) {
            return Err(PasswordError::Yours);
        }
    }
    let common = |word: &str| COMMON.iter().any(|known| word == *known || once(word) == *known);
    if common(core) || common(&plain) || is_easy(&plain) {
        return Err(PasswordError::Common);
    }
    Ok(())
}

/// Without the digits and signs around it, that people add because they are told to.
fn core(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_ascii_digit() || c.is_ascii_punctuation() || c.is_whitespace())
}

/// The word that a text repeats: `sayang` of `sayangsayang`.
fn once(text: &str) -> &str {
    let repeats = |length: &usize| {
        text.is_char_boundary(*length)
            && text.len().is_multiple_of(*length)
            && text.as_bytes().chunks(*length).all(|piece| piece == &text.as_bytes()[..*length])
    };
    (1..text.len()).find(repeats).map_or(text, |length| &text[..length])
}

/// One to three characters over and over, or a run along the alphabet, the digits, or a row of keys.
fn is_easy(text: &str) -> bool {
    const ROWS: &[&str] = &["abcdefghijklmnopqrstuvwxyz", "01234567890123456789", "qwertyuiop", "asdfghjkl", "zxcvbnm"];
    let backwards: String = text.chars().rev().collect();
    once(text).len() <= 3
        || ROWS.iter().any(|row| row.contains(text) || row.contains(&backwards))
        || ROWS.iter().any(|row| row.contains(once(text)) || row.contains(once(&backwards)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_table_of_passwords() {
        use PasswordError::{Common, TooLong, TooShort, Yours};
        let long = "a b".repeat(86);
        for (password, expected) in [
            ("", Err(TooShort)),
            ("pendek", Err(TooShort)),
            ("sembilan9", Err(TooShort)),
            (&long[..257], Err(TooLong)),
            ("siti.aminah@example.com", Err(Yours)),
            ("Siti.Aminah@Example.com", Err(Yours)),
            ("siti.aminah1", Err(Yours)),
            ("Siti Aminah", Err(Yours)),
            ("SitiAminah123!", Err(Yours)),
            ("password123", Err(Common)),
            ("Password2026!", Err(Common)),
            ("passwordpassword", Err(Common)),
            ("1234567890", Err(Common)),
            ("0987654321", Err(Common)),
            ("12341234123412341234", Err(Common)),
            ("1111111111", Err(Common)),
            ("abababababab", Err(Common)),
            ("qwertyuiop", Err(Common)),
            ("poiuytrewq", Err(Common)),
            ("abcdefghijkl", Err(Common)),
            ("Indonesia1945", Err(Common)),
            ("sayangsayang", Err(Common)),
            ("bismillah123", Err(Common)),
            ("12345sayang!", Err(Common)),
            ("administrator", Err(Common)),
            ("1q2w3e4r5t", Err(Common)),
            ("kuda baterai", Ok(())),
            ("kuda-baterai-staples", Ok(())),
            ("sitiaminahx7k", Ok(())),
            ("        x7        kq", Ok(())),
            ("ééééé_ñ_ü", Err(PasswordError::TooShort)),
            ("ééééé_ñ_üü", Ok(())),
            ("kecoa\u{0}mandi\n", Ok(())),
            (&long[..256], Ok(())),
        ] {
            assert_eq!(check(password, "siti.aminah@example.com", "Siti Aminah"), expected, "{password:?}");
        }
    }

    #[test]
    fn no_error_tells_the_password() {
        for error in [PasswordError::TooShort, PasswordError::TooLong, PasswordError::Yours, PasswordError::Common] {
            assert!(error.to_string().starts_with("must") || error.to_string().starts_with("is"), "{error}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_judged_and_random_ones_are_good(
            anything in "\\PC{0,300}", random in "[a-zA-Z0-9]{16}", email in "\\PC{0,20}", name in "\\PC{0,20}"
        ) {
            let _ = check(&anything, &email, &name);
            prop_assert_eq!(check(&format!("Zx~{random}~qK"), "a@example.com", "A"), Ok(()));
        }
    }
}
