//! What the mails about an account say, in the language of who gets them.

use media::Redacted;

use super::OneTimeLink;
use crate::Locale;
use crate::mail::Mail;

/// "Confirm your address": to whoever signed up.
#[must_use]
pub fn confirm(to: &str, name: &str, locale: Locale, link: &OneTimeLink, url: &Redacted<String>) -> Mail {
    let url = &url.0;
    let (subject, body) = match locale {
        Locale::Id => (
            "Konfirmasi alamat e-mail Anda",
            format!(
                "Halo {name},\n\nbuka tautan ini untuk mengonfirmasi alamat Anda dan masuk:\n\n{url}\n\nTautan berlaku 24 \
                 jam dan hanya sekali pakai. Jika Anda tidak mendaftar, abaikan pesan ini: tanpa tautan ini akun tidak \
                 dapat dipakai.\n"
            ),
        ),
        Locale::En => (
            "Confirm your e-mail address",
            format!(
                "Hello {name},\n\nopen this link to confirm your address and sign in:\n\n{url}\n\nThe link holds for 24 \
                 hours and works once. If you did not sign up, ignore this message: without the link the account cannot \
                 be used.\n"
            ),
        ),
    };
    mail(format!("confirm:{}", link.hash), to, subject, body)
}

/// "You have an account": to whoever signed up with an address that has one. `once` tells one such mail from the next.
#[must_use]
pub fn has_account(to: &str, name: &str, locale: Locale, once: &str) -> Mail {
    let (subject, body) = match locale {
        Locale::Id => (
            "Anda sudah memiliki akun",
            format!(
                "Halo {name},\n\nseseorang ingin mendaftar dengan alamat ini, tetapi Anda sudah memiliki akun. Masuklah \
                 seperti biasa; jika lupa kata sandi, pilih \"Lupa kata sandi\" di halaman masuk. Jika itu bukan Anda, \
                 tidak ada yang perlu dilakukan.\n"
            ),
        ),
        Locale::En => (
            "You already have an account",
            format!(
                "Hello {name},\n\nsomebody tried to sign up with this address, but you have an account. Sign in as usual; \
                 if you forgot your password, choose \"Forgot password\" on the sign-in page. If that was not you, there \
                 is nothing to do.\n"
            ),
        ),
    };
    mail(format!("has-account:{once}"), to, subject, body)
}

/// "Choose a new password".
#[must_use]
pub fn reset(to: &str, name: &str, locale: Locale, link: &OneTimeLink, url: &Redacted<String>) -> Mail {
    let url = &url.0;
    let (subject, body) = match locale {
        Locale::Id => (
            "Pilih kata sandi baru",
            format!(
                "Halo {name},\n\nbuka tautan ini untuk memilih kata sandi baru:\n\n{url}\n\nTautan berlaku satu jam dan \
                 hanya sekali pakai. Semua perangkat lain akan keluar. Jika bukan Anda yang meminta, abaikan pesan ini: \
                 kata sandi Anda tidak berubah.\n"
            ),
        ),
        Locale::En => (
            "Choose a new password",
            format!(
                "Hello {name},\n\nopen this link to choose a new password:\n\n{url}\n\nThe link holds for one hour and \
                 works once. All other devices will be signed out. If you did not ask for it, ignore this message: your \
                 password has not changed.\n"
            ),
        ),
    };
    mail(format!("reset:{}", link.hash), to, subject, body)
}

/// "Your password was changed". `once` tells one such mail from the next.
#[must_use]
pub fn password_changed(to: &str, name: &str, locale: Locale, once: &str) -> Mail {
    let (subject, body) = match locale {
        Locale::Id => (
            "Kata sandi Anda telah diubah",
            format!(
                "Halo {name},\n\nkata sandi Anda baru saja diubah, dan semua perangkat lain telah keluar. Jika bukan Anda \
                 yang mengubahnya, pilih \"Lupa kata sandi\" di halaman masuk sekarang juga.\n"
            ),
        ),
        Locale::En => (
            "Your password was changed",
            format!(
                "Hello {name},\n\nyour password has just been changed, and all other devices were signed out. If that was \
                 not you, choose \"Forgot password\" on the sign-in page at once.\n"
            ),
        ),
    };
    mail(format!("password-changed:{once}"), to, subject, body)
}

/// "A passkey was added". `once` tells one such mail from the next.
#[must_use]
pub fn passkey_added(to: &str, name: &str, locale: Locale, once: &str) -> Mail {
    let (subject, body) = match locale {
        Locale::Id => (
            "Passkey ditambahkan ke akun Anda",
            format!(
                "Halo {name},\n\nsebuah passkey baru saja ditambahkan ke akun Anda; dengannya perangkat itu dapat masuk tanpa \
                 kata sandi. Jika bukan Anda yang menambahkannya, hapus passkey itu di halaman akun dan ubah kata sandi Anda \
                 sekarang juga.\n"
            ),
        ),
        Locale::En => (
            "A passkey was added to your account",
            format!(
                "Hello {name},\n\na passkey has just been added to your account; with it, that device can sign in without a \
                 password. If that was not you, remove the passkey on the account page and change your password at once.\n"
            ),
        ),
    };
    mail(format!("passkey-added:{once}"), to, subject, body)
}

fn mail(once: String, to: &str, subject: &str, body: String) -> Mail {
    Mail { once, to: to.to_owned(), subject: subject.to_owned(), body }
}

#[cfg(test)]
mod tests {
    use media::UnixMillis;

    use super::*;
    use crate::UserId;
    use crate::identity::LinkPurpose;

    #[test]
    fn mails_speak_the_language_of_who_gets_them_and_hold_the_link_on_a_line_of_its_own() {
        let (link, _) = OneTimeLink::create(UserId::new(UnixMillis(1)), LinkPurpose::Verify, UnixMillis(1));
        let url = Redacted("https://tayang.test/mymentor/link#T".to_owned());
        for (locale, hello, word) in [(Locale::Id, "Halo Siti,", "Tautan"), (Locale::En, "Hello Siti,", "link")] {
            for mail in [
                confirm("siti@example.com", "Siti", locale, &link, &url),
                reset("siti@example.com", "Siti", locale, &link, &url),
            ] {
                assert_eq!(mail.to, "siti@example.com");
                assert!(mail.body.starts_with(hello) && mail.body.contains(word), "{mail:?}");
                assert!(mail.body.lines().any(|line| line == url.0));
                assert!(!mail.subject.contains('#') && !mail.once.contains("T"), "no secret outside of the body");
            }
        }
    }

    #[test]
    fn what_is_told_without_a_link_tells_no_link_and_is_told_once_each_time() {
        for locale in [Locale::Id, Locale::En] {
            for mail in [
                has_account("a@x.com", "A", locale, "1"),
                password_changed("a@x.com", "A", locale, "1"),
                passkey_added("a@x.com", "A", locale, "1"),
            ] {
                assert!(!mail.body.contains("http") && mail.once.ends_with(":1") && !mail.subject.is_empty());
            }
        }
        assert_ne!(
            has_account("a@x.com", "A", Locale::Id, "1").once,
            has_account("a@x.com", "A", Locale::Id, "2").once
        );
    }
}
