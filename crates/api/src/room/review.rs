//! The review hook: whoever asks for it is called for each comment that waits, and answers with `PATCH …/comments/{comment}`.
//!
//! What is called is kept with the comment, in one transaction: nothing waits that nobody was told of.

use control::deliveries::{Medium, NewDelivery};
use control::room::{CommentState, NewComment};
use control::teaching::Lesson;
use control::{ChangeKind, DeliveryId, RepositoryError};
use media::UnixMillis;
use serde_json::json;

use crate::State;
use crate::moment::Moment;

/// What is owed with which of these comments, by their number.
///
/// # Errors
/// [`RepositoryError`].
pub(super) async fn calls(
    state: &State,
    lesson: &Lesson,
    comments: &[NewComment],
) -> Result<Vec<(usize, NewDelivery)>, RepositoryError> {
    let waits = |(_, comment): &(usize, &NewComment)| comment.state == CommentState::Held;
    let held: Vec<_> = comments.iter().enumerate().filter(waits).collect();
    if held.is_empty() {
        return Ok(Vec::new());
    }
    let hooks = state.repository.webhooks_for(lesson.mentor).await?;
    let hooks: Vec<_> = hooks.iter().filter(|hook| hook.wants(ChangeKind::CommentHeld)).collect();
    let now = state.now();
    let calls = held.into_iter().flat_map(|(at, comment)| {
        hooks.iter().map(move |hook| {
            let id = DeliveryId::new(now);
            let call = NewDelivery {
                id,
                once_key: format!("comment:{}:webhook:{}", comment.id, hook.id),
                medium: Medium::Webhook,
                notice: None,
                webhook: Some(hook.id),
                user: None,
                target: hook.id.to_string(),
                payload: payload(id, lesson, comment),
                next: now,
                created: now,
                expires: UnixMillis(now.0 + Medium::Webhook.tries_ms()),
            };
            (at, call)
        })
    });
    Ok(calls.collect())
}

/// The body of the request. Its `lesson` has less than those of other kinds: a room has many comments.
fn payload(id: DeliveryId, lesson: &Lesson, comment: &NewComment) -> String {
    let said = json!({
        "id": comment.id.to_string(),
        "user": { "id": comment.user.to_string() },
        "body": comment.body,
        "media_ms": comment.media_ms,
    });
    json!({
        "id": id.to_string(),
        "kind": ChangeKind::CommentHeld.as_str(),
        "at": Moment(comment.at).to_string(),
        "lesson": { "id": lesson.id.to_string(), "title": lesson.title },
        "comment": said,
    })
    .to_string()
}
