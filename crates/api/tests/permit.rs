//! Leave to do something with a lesson, as answers are made of it.

#[path = "stage/stage.rs"]
mod stage;

use api::permit::permit;
use control::access::Action;
use control::teaching::Enrolling;
use stage::Stage;

#[tokio::test]
async fn leave_depends_on_who_asks_and_a_hidden_lesson_is_not_there() {
    let stage = Stage::new().await;
    let mentor = stage.mentor("mentor@example.test").await;
    let stranger = stage.mentee("lain@example.test").await;
    for (enrolling, signed_out, outsider) in
        [(Enrolling::Open, 401, 403), (Enrolling::Approval, 404, 403), (Enrolling::Invitation, 404, 404)]
    {
        let course = stage.course(&mentor, enrolling).await;
        let lesson = stage.lesson(&course, 60_000).await;
        let mentee = stage.enrolled(&course, &format!("{}@example.test", enrolling.as_str())).await;
        let status = async |who, action| match permit(&stage.state, who, lesson.id, action).await {
            Ok(standing) => {
                assert_eq!(standing.lesson, lesson);
                200
            }
            Err(problem) => problem.status().as_u16(),
        };
        assert_eq!(status(None, Action::Watch).await, signed_out, "{enrolling:?}");
        assert_eq!(status(Some(stranger.id), Action::Watch).await, outsider, "{enrolling:?}");
        assert_eq!(status(Some(mentee.id), Action::Watch).await, 200);
        assert_eq!(status(Some(mentee.id), Action::Run).await, 403);
        assert_eq!(status(Some(mentor.id), Action::Run).await, 200);
        assert_eq!(status(Some(mentor.id), Action::Publish).await, 200);
    }
}
