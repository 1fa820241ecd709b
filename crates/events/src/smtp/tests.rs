//! Against a server that refuses each command in turn, and one that wants TLS and a password.

use std::sync::Arc;

use lettre::transport::smtp::client::Certificate;
use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use super::*;

const MAIL: &[u8] = b"Subject: x\r\n\r\nx\r\n";

fn envelope() -> Envelope {
    let address = |text: &str| text.parse().expect("an address");
    Envelope::new(Some(address("tayang@example.test")), vec![address("satu@example.test")]).expect("an envelope")
}

/// A server of one connection. What it was told.
struct Script {
    /// A command's begin, and what it is answered in place of what is right. `.` is the mail, `banner` the greeting.
    refuses: (&'static str, &'static str),
    /// What it offers to who says EHLO, in the clear and by TLS.
    offers: (&'static str, &'static str),
    /// Its side of TLS.
    acceptor: Option<TlsAcceptor>,
}

impl Script {
    async fn told(&self, listener: TcpListener) -> Vec<String> {
        let (mut stream, _) = listener.accept().await.expect("accepted");
        let mut told = Vec::new();
        let banner = if self.refuses.0 == "banner" { self.refuses.1 } else { "220 here" };
        stream.write_all(format!("{banner}\r\n").as_bytes()).await.expect("written");
        let mut stream = BufReader::new(stream);
        if self.talk(&mut stream, self.offers.0, &mut told).await {
            let acceptor = self.acceptor.as_ref().expect("offered only with it");
            if let Ok(stream) = acceptor.accept(stream.into_inner()).await {
                told.push("(by TLS)".to_owned());
                self.talk(&mut BufReader::new(stream), self.offers.1, &mut told).await;
            }
        }
        told
    }

    /// `true`: TLS begins.
    async fn talk<S>(&self, stream: &mut BufReader<S>, offers: &str, told: &mut Vec<String>) -> bool
    where
        S: AsyncRead + AsyncWrite + Unpin,
        BufReader<S>: AsyncBufRead,
    {
        let mut in_mail = false;
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
                return false;
            }
            let line = line.trim_end();
            if in_mail && line != "." {
                continue;
            }
            told.push(line.to_owned());
            let is_refused = line.starts_with(self.refuses.0);
            let answer = match line {
                _ if is_refused => self.refuses.1,
                "DATA" => "354 go on",
                "STARTTLS" => "220 begin",
                _ if line.starts_with("EHLO") => offers,
                _ if line.starts_with("AUTH") => "235 welcome",
                _ => "250 right",
            };
            in_mail = line == "DATA" && !is_refused;
            if stream.get_mut().write_all(format!("{answer}\r\n").as_bytes()).await.is_err() {
                return false;
            }
            if line == "STARTTLS" && !is_refused {
                return true;
            }
        }
    }
}

/// Sends one mail, and what the server was told meanwhile.
async fn sent(
    script: Script,
    url: impl Fn(u16) -> String,
    root: Option<&[u8]>,
) -> (Result<(), MailError>, Vec<String>) {
    rustls::crypto::aws_lc_rs::default_provider().install_default().ok();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
    let port = listener.local_addr().expect("bound").port();
    let mut relay = Relay::open(&url(port)).expect("opens");
    if let Some(root) = root {
        let root = Certificate::from_der(root.to_vec()).expect("a certificate");
        relay.tls = TlsParameters::builder("localhost".to_owned()).add_root_certificate(root).build().expect("TLS");
    }
    let envelope = envelope();
    let client = async {
        let sent = relay.send(&envelope, MAIL).await;
        drop(relay);
        sent
    };
    tokio::join!(client, script.told(listener))
}

#[tokio::test]
async fn only_what_is_said_of_the_recipient_or_of_this_mail_is_for_ever() {
    let cases = [
        ("none", "", None),
        ("banner", "554 no service", Some(false)),
        ("EHLO", "550 not you", Some(false)),
        ("MAIL", "530 sign in first", Some(false)),
        ("MAIL", "550 no such user", Some(false)),
        ("MAIL", "552 quota exceeded", Some(false)),
        ("RCPT", "550 no such mailbox", Some(false)),
        ("RCPT", "550 5.1.1 no such mailbox", Some(true)),
        ("RCPT", "553 no such mailbox", Some(true)),
        ("RCPT", "554 5.7.1 relay access denied", Some(false)),
        ("RCPT", "550 5.4.5 daily quota exceeded", Some(false)),
        ("RCPT", "530 sign in first", Some(false)),
        ("RCPT", "451 greylisted", Some(false)),
        ("DATA", "554 no valid recipients", Some(false)),
        (".", "554 not wanted", Some(false)),
        ("RCPT", "550 relay not permitted", Some(false)),
        (".", "552 too large", Some(true)),
        (".", "550 quota exceeded", Some(false)),
    ];
    for (command, answer, expected) in cases {
        let script = Script { refuses: (command, answer), offers: ("250 8BITMIME", ""), acceptor: None };
        let (sent, told) = sent(script, |port| format!("smtp://127.0.0.1:{port}"), None).await;
        let for_ever = sent.as_ref().err().map(|error| matches!(error, MailError::Never(_)));
        assert_eq!(for_ever, expected, "{command}: {answer}: {sent:?}");
        assert!(told.iter().all(|line| !line.starts_with("AUTH")), "{told:?}");
        let text = sent.err().map(|error| error.to_string()).unwrap_or_default();
        assert!(!text.contains("mailbox") && !text.contains("quota"), "what it says is not kept: {text}");
    }
}

fn tls() -> (TlsAcceptor, Vec<u8>) {
    rustls::crypto::aws_lc_rs::default_provider().install_default().ok();
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let key = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
    let config = ServerConfig::builder().with_no_client_auth();
    let config = config.with_single_cert(vec![made.cert.der().clone()], key).expect("its key");
    (TlsAcceptor::from(Arc::new(config)), made.cert.der().to_vec())
}

fn with_password(port: u16) -> String {
    format!("smtp://name%40host:a%2Bb+c&d%25@localhost:{port}")
}

const OFFERS: (&str, &str) = ("250-8BITMIME\r\n250-AUTH PLAIN\r\n250 STARTTLS", "250-8BITMIME\r\n250 AUTH PLAIN LOGIN");

#[tokio::test]
async fn a_password_goes_by_tls_alone_and_a_mail_behind_it() {
    use base64::Engine as _;
    let (acceptor, root) = tls();
    let script = Script { refuses: ("none", ""), offers: OFFERS, acceptor: Some(acceptor) };
    let (taken, told) = sent(script, with_password, Some(&root)).await;
    assert_eq!(taken, Ok(()), "{told:?}");
    let words: Vec<&str> = told.iter().map(|line| line.split([' ', ':']).next().unwrap_or_default()).collect();
    assert_eq!(words, ["EHLO", "STARTTLS", "(by", "EHLO", "AUTH", "MAIL", "RCPT", "DATA", "."]);
    let password = base64::engine::general_purpose::STANDARD.encode("\0name@host\0a+b+c&d%");
    assert_eq!(told[4], format!("AUTH PLAIN {password}"), "as it was meant");
}

#[tokio::test]
async fn a_server_that_offers_no_tls_or_is_not_who_it_says_gets_no_password_and_no_mail() {
    let plain = Script { refuses: ("none", ""), offers: ("250-AUTH PLAIN\r\n250 8BITMIME", ""), acceptor: None };
    let (refused, told) = sent(plain, with_password, None).await;
    assert!(matches!(refused, Err(MailError::NotNow(_))), "{refused:?}");
    assert!(told.iter().all(|line| line.starts_with("EHLO")), "{told:?}");
    let (acceptor, _) = tls();
    let stranger = Script { refuses: ("none", ""), offers: OFFERS, acceptor: Some(acceptor) };
    let (refused, told) = sent(stranger, with_password, None).await;
    assert!(matches!(refused, Err(MailError::NotNow(_))), "{refused:?}");
    assert!(told.iter().all(|line| line.starts_with("EHLO") || line == "STARTTLS"), "{told:?}");
}

#[tokio::test]
async fn a_wrong_password_loses_no_mail() {
    let (acceptor, root) = tls();
    let script = Script { refuses: ("AUTH", "535 5.7.8 wrong"), offers: OFFERS, acceptor: Some(acceptor) };
    let (refused, told) = sent(script, with_password, Some(&root)).await;
    assert_eq!(refused, Err(MailError::NotNow("the mail server answered 535 to AUTH".to_owned())));
    assert!(!told.iter().any(|line| line.starts_with("MAIL")), "{told:?}");
}

#[test]
fn urls_say_where_and_how() {
    let opened = |url: &str| Relay::open(url).ok().map(|relay| (relay.security, relay.port));
    assert_eq!(opened("smtp://mail.example"), Some((Security::Offered, 25)));
    assert_eq!(opened("smtp://mail.example:2525?tls=required"), Some((Security::Required, 2525)));
    assert_eq!(opened("smtp://a:b@mail.example?tls=opportunistic"), Some((Security::Required, 587)));
    assert_eq!(opened("smtps://mail.example"), Some((Security::Wrapped, 465)));
    assert_eq!(opened("http://mail.example"), None);
}
