//! What is let through, and what is not.

use super::*;

const STRICT: Policy = Policy { allow_local: false };
const LOCAL: Policy = Policy { allow_local: true };

#[test]
fn only_public_addresses_are_let_through_in_whatever_clothes() {
    for refused in [
        "0.0.0.0",
        "10.1.2.3",
        "100.64.0.1",
        "100.127.255.255",
        "127.0.0.1",
        "127.1.2.3",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.1",
        "192.0.2.1",
        "192.168.1.1",
        "198.18.0.1",
        "198.19.255.255",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:169.254.169.254",
        "::10.0.0.1",
        "64:ff9b::10.0.0.1",
        "64:ff9b::169.254.169.254",
        "2002:7f00:1::",
        "2002:a00:1::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fec0::1",
        "ff02::1",
        "2001:db8::1",
        "2001::1",
        "3fff::1",
        "100::1",
        "64:ff9b:1::1",
    ] {
        assert!(!STRICT.lets_through(refused.parse().expect("an address")), "{refused}");
    }
    for public in [
        "1.1.1.1",
        "8.8.8.8",
        "100.63.0.1",
        "100.128.0.1",
        "172.32.0.1",
        "192.169.0.1",
        "2606:4700::1111",
        "2a00:1450::1",
        "::ffff:8.8.8.8",
        "64:ff9b::8.8.8.8",
    ] {
        assert!(STRICT.lets_through(public.parse().expect("an address")), "{public}");
    }
    for local in ["127.0.0.1", "::1", "::ffff:127.0.0.1"] {
        assert!(LOCAL.lets_through(local.parse().expect("an address")), "{local}");
    }
    for inside in ["10.1.2.3", "169.254.169.254", "0.0.0.0", "fd00::1"] {
        assert!(!LOCAL.lets_through(inside.parse().expect("an address")), "{inside}");
    }
}

#[test]
fn a_url_is_refused_for_what_can_be_known_of_it() {
    let long = format!("https://example.com/{}", "a".repeat(URL_LENGTH_MAX));
    for (url, refused) in [
        ("", Refused::NotUrl),
        ("example.com", Refused::NotUrl),
        (long.as_str(), Refused::NotUrl),
        ("http://example.com/", Refused::NotHttps),
        ("ftp://example.com/", Refused::NotHttps),
        ("file:///etc/passwd", Refused::NotUrl),
        ("https://user@example.com/", Refused::Credentials),
        ("https://:secret@example.com/", Refused::Credentials),
        ("https://127.0.0.1/", Refused::NotPublic),
        ("https://2130706433/", Refused::NotPublic),
        ("https://0x7f.1/", Refused::NotPublic),
        ("https://[::ffff:7f00:1]/", Refused::NotPublic),
        ("https://169.254.169.254/latest/meta-data", Refused::NotPublic),
        ("https://localhost/", Refused::NotPublic),
        ("https://a.LOCALHOST./", Refused::NotPublic),
        ("http://127.0.0.1:8080/", Refused::NotHttps),
    ] {
        assert_eq!(STRICT.check(url), Err(refused), "{url}");
    }
    for url in ["https://fcm.googleapis.com/fcm/send/abc", "https://example.com:8443/hook?a=b", "https://1.1.1.1/"] {
        assert!(STRICT.check(url).is_ok(), "{url}");
    }
    assert!(LOCAL.check("http://127.0.0.1:8080/").is_ok() && LOCAL.check("http://localhost:8080/").is_ok());
    assert_eq!(LOCAL.check("http://10.0.0.1/"), Err(Refused::NotHttps));
    assert_eq!(LOCAL.check("https://10.0.0.1/"), Err(Refused::NotPublic));
}

#[tokio::test]
async fn a_name_that_leads_inside_is_not_connected_to() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    // What the resolver finds is what counts: `check` alone cannot know where a name leads.
    let resolved = Checked(STRICT).resolve("localhost".parse().expect("a name")).await;
    assert!(resolved.is_err());
    let resolved = Checked(LOCAL).resolve("localhost".parse().expect("a name")).await.expect("found");
    assert!(resolved.into_iter().all(|address| address.ip().is_loopback()));
    let egress = Egress::open(STRICT).expect("opens");
    let url = format!("http://127.0.0.1:{port}/");
    let sent = egress.post(&url, HeaderMap::new(), Vec::new(), UnixMillis(0)).await;
    assert_eq!(sent, Err(SendError::Refused(Refused::NotHttps)));
    let client = reqwest::Client::builder().dns_resolver(Checked(STRICT)).no_proxy().build().expect("a client");
    let error = client.post(format!("http://localhost:{port}/")).send().await.expect_err("not connected");
    assert_eq!(cause(&error), "its name leads into a private network");
    drop(listener);
}

#[test]
fn a_host_is_asked_by_a_bounded_number_at_once() {
    let egress = Egress::open(LOCAL).expect("opens");
    let url = Url::parse("https://example.com/").expect("a URL");
    let permits: Vec<_> = (0..PER_HOST_MAX).map(|_| egress.permit(&url).expect("room")).collect();
    assert_eq!(egress.permit(&url).err(), Some(SendError::Busy));
    assert!(egress.permit(&Url::parse("https://example.org/").expect("a URL")).is_ok(), "another host is free");
    drop(permits);
    assert!(egress.permit(&url).is_ok());
    for n in 0..3 * HOSTS_MAX {
        drop(egress.permit(&Url::parse(&format!("https://h{n}.example/")).expect("a URL")));
    }
    assert!(egress.hosts.lock().len() <= HOSTS_MAX);
}

#[test]
fn a_receiver_says_when_to_come_back_in_seconds_or_by_date() {
    let now = UnixMillis(784_111_777_000);
    let of = |text: &str| retry_after_ms(&text.parse().expect("a value"), now);
    assert_eq!(of("120"), Some(120_000));
    assert_eq!(of("Sun, 06 Nov 1994 08:50:37 GMT"), Some(60_000));
    assert_eq!(of("Sun, 06 Nov 1994 08:00:00 GMT"), Some(0), "the past is now");
    assert_eq!(of("soon"), None);
    assert_eq!(of("-1"), None);
}
