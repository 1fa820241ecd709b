//! What the demo's server is filled with: a mentor, a course, mentees, a lesson that is live and others that will be. Made the
//! way people make it: accounts on the command line, everything else over the API.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

/// The server answers at once, or something is wrong.
const ANSWER_SECONDS_MAX: u64 = 30;
const MENTOR: &str = "mentor@demo.tayang";
const MENTEES: [(&str, &str); 3] = [
    ("mentee1@demo.tayang", "Mentee Satu"),
    ("mentee2@demo.tayang", "Mentee Dua"),
    ("mentee3@demo.tayang", "Mentee Tiga"),
];

/// What was made.
pub struct School {
    /// The live lesson's channel, `app/name`.
    pub channel: String,
    /// Signs the mentor in to MyMentee, once.
    pub mentor_link: String,
    /// Signs a mentee in to MyMentor, once.
    pub mentee_link: String,
    /// Where an encoder publishes to: server and key, as OBS wants them.
    pub obs: (String, String),
}

/// Fills the server of `folder`, which listens on `http`.
pub fn open(tayang: &Path, folder: &Path, http: &str) -> Result<School> {
    let cli = Cli { tayang, folder };
    cli.json(&["user", "create", MENTOR, "--name", "Mentor Demo", "--roles", "mentor,mentee", "--json"])?;
    let mentor = Client::sign_in(http, &cli.link(MENTOR, "mymentee")?)?;
    let page = json!({
        "headline": "Fisika yang bisa dibayangkan",
        "bio": "Halaman mentor dari demo: di sini mentor bercerita tentang dirinya.",
    });
    mentor.ask("PUT", "/api/v1/me/mentor", &page)?;
    let course = mentor.ask(
        "POST",
        "/api/v1/courses",
        &json!({ "title": "Fisika dasar", "summary": "Gerak, gaya, dan energi.", "enrolment": "open" }),
    )?;
    let course = text(&course, "id")?;
    for (email, name) in MENTEES {
        cli.json(&["user", "create", email, "--name", name, "--roles", "mentee", "--json"])?;
        let mentee = Client::sign_in(http, &cli.link(email, "mymentor")?)?;
        mentee.ask("POST", &format!("/api/v1/courses/{course}/enrolment"), &json!({}))?;
    }
    let lesson = |title: &str, from: Duration, repeat_weeks: u32| {
        mentor.ask(
            "POST",
            "/api/v1/lessons",
            &json!({
                "course_id": course, "title": title, "summary": "Pelajaran dari demo.", "zone": "Asia/Jakarta",
                "starts_at": from_now(from), "ends_at": from_now(from + Duration::from_secs(3_600)),
                "repeat_weeks": repeat_weeks,
            }),
        )
    };
    let now = lesson("Gerak lurus", Duration::from_secs(60), 1)?;
    lesson("Gaya dan gerak", Duration::from_secs(86_400), 4)?;
    let id = text(&now["items"][0], "id")?;
    let made = mentor.ask("POST", &format!("/api/v1/lessons/{id}/publishing/key"), &json!({}))?;
    Ok(School {
        channel: format!("lesson/l-{}", id.replace('-', "")),
        mentor_link: cli.link(MENTOR, "mymentee")?,
        mentee_link: cli.link(MENTEES[0].0, "mymentor")?,
        obs: (text(&made["obs"], "server")?, text(&made["obs"], "key")?),
    })
}

/// RFC 3339, in UTC.
fn from_now(after: Duration) -> String {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default() + after;
    let at = jiff::Timestamp::from_second(i64::try_from(since.as_secs()).unwrap_or(0)).unwrap_or_default();
    at.to_string()
}

fn text(value: &Value, name: &str) -> Result<String> {
    value[name].as_str().map(str::to_owned).with_context(|| format!("no {name} in the answer {value}"))
}

/// The program's commands on the demo's folder.
struct Cli<'a> {
    tayang: &'a Path,
    folder: &'a Path,
}

impl Cli<'_> {
    fn json(&self, arguments: &[&str]) -> Result<Value> {
        let mut command = Command::new(self.tayang);
        command.arg("--data-dir").arg(self.folder).args(arguments).stdin(Stdio::null());
        let output = command.output().context("`tayang` does not start")?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "`tayang {}`: {}", arguments.join(" "), said.trim());
        serde_json::from_slice(&output.stdout).with_context(|| format!("`tayang {}`", arguments.join(" ")))
    }

    /// A link that signs somebody in, once.
    fn link(&self, email: &str, app: &str) -> Result<String> {
        text(&self.json(&["user", "link", email, "--app", app, "--json"])?, "url")
    }
}

/// Somebody who is signed in.
struct Client {
    http: String,
    token: String,
}

impl Client {
    /// By a link: what stands behind its `#` is the token.
    fn sign_in(http: &str, link: &str) -> Result<Self> {
        let (_, token) = link.rsplit_once('#').with_context(|| format!("no token in {link}"))?;
        let nobody = Self { http: http.to_owned(), token: String::new() };
        let session = nobody.ask("POST", "/api/v1/session/link", &json!({ "token": token, "bearer": true }))?;
        Ok(Self { http: http.to_owned(), token: text(&session, "token")? })
    }

    fn ask(&self, method: &str, path: &str, body: &Value) -> Result<Value> {
        let mut socket = TcpStream::connect(&self.http).context("the server does not take connections")?;
        socket.set_read_timeout(Some(Duration::from_secs(ANSWER_SECONDS_MAX)))?;
        let body = body.to_string();
        let sign_in =
            if self.token.is_empty() { String::new() } else { format!("Authorization: Bearer {}\r\n", self.token) };
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Type: application/json\r\n\
             {sign_in}Content-Length: {}\r\n\r\n",
            self.http,
            body.len()
        );
        socket.write_all(head.as_bytes())?;
        socket.write_all(body.as_bytes())?;
        let mut answer = Vec::new();
        socket.read_to_end(&mut answer)?;
        read_answer(&answer).with_context(|| format!("{method} {path}"))
    }
}

/// The JSON of a response of 2xx; nothing where it has no body.
fn read_answer(answer: &[u8]) -> Result<Value> {
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n").context("no response")?;
    let head = std::str::from_utf8(&answer[..end])?;
    let status = head.split(' ').nth(1).context("no status")?;
    let body = &answer[end + 4..];
    ensure!(status.starts_with('2'), "answered {status}: {}", String::from_utf8_lossy(body));
    if body.is_empty() { Ok(Value::Null) } else { serde_json::from_slice(body).context("no JSON in the answer") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_its_json_and_a_refusal_says_why() {
        let read = |text: &str| read_answer(text.as_bytes());
        assert_eq!(read("HTTP/1.1 201 Created\r\nX: y\r\n\r\n{\"id\":1}").expect("right"), json!({ "id": 1 }));
        assert_eq!(read("HTTP/1.1 204 No Content\r\n\r\n").expect("right"), Value::Null);
        let refused = read("HTTP/1.1 422 Unprocessable Entity\r\n\r\n{\"detail\":\"no\"}").expect_err("refused");
        assert!(refused.to_string().contains("422") && refused.to_string().contains("no"), "{refused}");
        assert!(read("nonsense").is_err());
    }

    #[test]
    fn moments_are_rfc_3339() {
        let text = from_now(Duration::ZERO);
        assert!(text.len() == 20 && text.ends_with('Z') && text.as_bytes()[10] == b'T', "{text}");
    }
}
