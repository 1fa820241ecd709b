//! Addresses of relays, as people write them.

use super::*;

fn read(text: &str) -> RelayUrl {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn an_address_is_taken_apart_and_put_together_the_same_way_however_it_was_written() {
    for (text, secure, host, port, app, name, again) in [
        ("rtmp://host/app/name", false, "host", 1935, "app", "name", "rtmp://host/app/name"),
        ("RTMP://Host:1935/app/name", false, "host", 1935, "app", "name", "rtmp://host/app/name"),
        ("rtmps://a.example/live2/KEY", true, "a.example", 443, "live2", "KEY", "rtmps://a.example/live2/KEY"),
        (
            "rtmps://h:8443/rtmp/FB-1?s_bl=1&s_ps=/x",
            true,
            "h",
            8443,
            "rtmp",
            "FB-1?s_bl=1&s_ps=/x",
            "rtmps://h:8443/rtmp/FB-1?s_bl=1&s_ps=/x",
        ),
        (
            "rtmp://[2001:db8::1]:19/a/_definst_/n",
            false,
            "2001:db8::1",
            19,
            "a/_definst_",
            "n",
            "rtmp://[2001:db8::1]:19/a/_definst_/n",
        ),
        ("rtmp://127.0.0.1/a/n%20x", false, "127.0.0.1", 1935, "a", "n%20x", "rtmp://127.0.0.1/a/n%20x"),
    ] {
        let url = read(text);
        assert_eq!(
            (url.is_secure, url.host.as_str(), url.port, url.app.as_str(), url.name.0.as_str()),
            (secure, host, port, app, name),
            "{text}"
        );
        assert_eq!(url.text().0, again);
        assert_eq!(read(&url.text().0), url);
    }
    assert_eq!(read("rtmps://h:443/a/n").tc_url(), "rtmps://h/a");
}

#[test]
fn what_is_no_address_is_refused_by_what_is_wrong_with_it() {
    use RelayUrlError::*;
    for (text, wrong) in [
        ("", Scheme),
        ("host/app/name", Scheme),
        ("http://host/app/name", Scheme),
        ("rtmpt://host/app/name", Scheme),
        ("rtmp://", Host),
        ("rtmp:///app/name", Host),
        ("rtmp://ho%73t/app/name", Host),
        ("rtmp://[::1/app/name", Host),
        ("rtmp://[::1]x/app/name", Host),
        ("rtmp://[host]/app/name", Host),
        ("rtmp://host:/app/name", Port),
        ("rtmp://host:0/app/name", Port),
        ("rtmp://host:65536/app/name", Port),
        ("rtmp://host:+1/app/name", Port),
        ("rtmp://host:1:2/app/name", Port),
        ("rtmp://user:word@host/app/name", Credentials),
        ("rtmp://host", App),
        ("rtmp://host/", App),
        ("rtmp://host?app/name", App),
        ("rtmp://host/app", Name),
        ("rtmp://host/app/", Name),
        ("rtmp://host/app/?key=1", Name),
        ("rtmp://host/app/na me", Characters),
        ("rtmp://host/app/na\r\nme", Characters),
    ] {
        assert_eq!(text.parse::<RelayUrl>(), Err(wrong), "{text}");
    }
    let long = format!("rtmp://host/app/{}", "x".repeat(URL_LENGTH_MAX));
    assert_eq!(long.parse::<RelayUrl>(), Err(TooLong));
}

#[test]
fn nothing_that_is_shown_of_an_address_is_a_key() {
    let url = read("rtmp://host/app/kunci-rahasia?token=rahasia");
    assert_eq!(url.to_string(), "host/app");
    assert!(!format!("{url:?} {url} {}", url.text()).contains("rahasia"));
}

#[test]
fn directions_survive_their_text() {
    for direction in Direction::ALL {
        assert_eq!(direction.as_str().parse(), Ok(direction));
    }
    assert_eq!("Push".parse::<Direction>(), Err(DirectionError));
}
