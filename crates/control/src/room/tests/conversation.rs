//! Whole conversations at random, beside a model that keeps everything and forgets nothing.

use std::collections::HashMap;

use proptest::prelude::*;

use super::{MENTOR, NOW, at, lesson, mentee, user};
use crate::room::{CommentState, Floor, Refused, Settings, Speaker, Verdict, Why};
use crate::teaching::Lesson;
use crate::{LessonId, UserId};
use media::UnixMillis;

/// One thing that happens, so many milliseconds after the one before.
#[derive(Clone, Debug)]
enum Step {
    /// Somebody says something by a name; what is kept is told back if `kept`.
    Say { who: u128, name: u8, body: &'static str, kept: bool },
    /// The mentor says something.
    Answer,
    /// Somebody reacts.
    React { who: u128, n: i64 },
    /// Somebody is muted for so long, or no more.
    Mute { who: u128, ms: Option<i64> },
    /// The mentor sets the room.
    Set { slow_ms: u32, comments_on: bool, review_on: bool },
}

fn step() -> impl Strategy<Value = (i64, Step)> {
    let who = 2u128..6;
    let body = prop_oneof![4 => Just("halo"), 1 => Just("kamu bodoh"), 1 => Just("\u{200b}"), 1 => Just("a\u{0}b")];
    let what = prop_oneof![
        8 => (who.clone(), 0u8..40, body, any::<bool>())
            .prop_map(|(who, name, body, kept)| Step::Say { who, name, body, kept }),
        1 => Just(Step::Answer),
        2 => (who.clone(), 0i64..12).prop_map(|(who, n)| Step::React { who, n }),
        1 => (who, proptest::option::of(1i64..5_000)).prop_map(|(who, ms)| Step::Mute { who, ms }),
        1 => (prop_oneof![Just(0u32), 1u32..4_000], any::<bool>(), any::<bool>())
            .prop_map(|(slow_ms, comments_on, review_on)| Step::Set { slow_ms, comments_on, review_on }),
    ];
    (0i64..900, what)
}

/// All that was ever said, and the rules read off it.
struct Model {
    lesson: Lesson,
    places: HashMap<(UserId, u8), i64>,
    taken: HashMap<UserId, Vec<UnixMillis>>,
    mutes: HashMap<UserId, UnixMillis>,
}

impl Model {
    /// What the rules of the contract say, in their order; pace apart, of which only the bound is held.
    fn expects(&self, who: UserId, name: u8, body: &str, now: UnixMillis) -> Result<Option<i64>, Why> {
        if let Some(seq) = self.places.get(&(who, name)) {
            return Ok(Some(*seq));
        }
        match body {
            "\u{200b}" => return Err(Why::Empty),
            "a\u{0}b" => return Err(Why::Characters),
            _ => {}
        }
        if !self.lesson.comments_on {
            return Err(Why::CommentsOff);
        }
        if self.mutes.get(&who).is_some_and(|until| now < *until) {
            return Err(Why::Muted);
        }
        if body.contains("bodoh") {
            return Err(Why::Word);
        }
        let last = self.taken.get(&who).and_then(|taken| taken.last());
        if last.is_some_and(|last| now.0 < last.0 + i64::from(self.lesson.slow_ms)) {
            return Err(Why::Slow);
        }
        Ok(None)
    }

    /// Comments of somebody in the seconds before `now`.
    fn lately(&self, who: UserId, now: UnixMillis, seconds: i64) -> usize {
        let taken = self.taken.get(&who).map(Vec::as_slice).unwrap_or_default();
        taken.iter().filter(|at| now.0 - at.0 <= seconds * 1_000).count()
    }
}

fn check_comment(model: &mut Model, floor: &mut Floor, (who, name): (UserId, u8), body: &str, now: UnixMillis) -> bool {
    let speaker = Speaker { user: who, runs: false };
    let expected = model.expects(who, name, body, now);
    match (floor.comment(speaker, &format!("n{name}"), body, now), expected) {
        (Ok(Verdict::Known(seq, _)), Ok(Some(place))) => assert_eq!(seq, place),
        (Ok(Verdict::Keep { body: kept, state }), Ok(None)) => {
            let held = if model.lesson.review_on { CommentState::Held } else { CommentState::Shown };
            assert_eq!((kept, state), (body, held));
            model.taken.entry(who).or_default().push(now);
            for seconds in [1, 5, 20] {
                assert!(model.lately(who, now, seconds) as i64 <= 5 + seconds, "faster than anybody may be");
            }
            return true;
        }
        (Err(Refused { why: Why::TooFast, retry_after_ms: Some(wait) }), Ok(None)) => {
            assert!((1..=1_000).contains(&wait) && model.lately(who, now, 5) >= 5, "{wait}");
        }
        (Err(refused), Err(why)) => {
            assert_eq!(refused.why, why);
            assert_eq!(refused.retry_after_ms.is_some(), matches!(why, Why::Slow | Why::Muted), "{why:?}");
            assert!(refused.retry_after_ms.is_none_or(|wait| wait > 0));
        }
        (got, expected) => panic!("{got:?} instead of {expected:?}"),
    }
    false
}

proptest! {
    #[test]
    fn a_floor_decides_as_the_contract_says_whatever_is_said(steps in proptest::collection::vec(step(), 1..200)) {
        let mut model =
            Model { lesson: lesson(), places: HashMap::new(), taken: HashMap::new(), mutes: HashMap::new() };
        let (mut floor, mut now, mut next) = (Floor::new(&model.lesson, &[]), NOW, 1);
        for (after, step) in steps {
            now = now.plus_millis(after);
            match step {
                Step::Say { who, name, body, kept } => {
                    if check_comment(&mut model, &mut floor, (user(who), name), body, now) && kept {
                        floor.kept(user(who), &format!("n{name}"), (next, CommentState::Shown));
                        model.places.insert((user(who), name), next);
                        next += 1;
                    }
                }
                Step::Answer => {
                    let verdict = floor.comment(MENTOR, &format!("m{}", now.0), "kamu bodoh", now);
                    let too_fast = matches!(verdict, Err(Refused { why: Why::TooFast, .. }));
                    let shown = matches!(verdict, Ok(Verdict::Keep { state: CommentState::Shown, .. }));
                    prop_assert!(too_fast || shown);
                }
                Step::React { who, n } => {
                    let why = floor.reactions(mentee(who), n, now).err().map(|refused| refused.why);
                    match why {
                        Some(Why::Malformed) => prop_assert!(!(1..=10).contains(&n)),
                        Some(Why::CommentsOff) => prop_assert!(!model.lesson.comments_on),
                        None | Some(Why::TooFast) => prop_assert!(model.lesson.comments_on && (1..=10).contains(&n)),
                        other => prop_assert!(false, "{:?}", other),
                    }
                }
                Step::Mute { who, ms } => {
                    let until = ms.map(|ms| now.plus_millis(ms));
                    floor.mute(user(who), until);
                    match until {
                        Some(until) => model.mutes.insert(user(who), until),
                        None => model.mutes.remove(&user(who)),
                    };
                    prop_assert_eq!(floor.muted_until(user(who), now), until);
                }
                Step::Set { slow_ms, comments_on, review_on } => {
                    model.lesson = Lesson { slow_ms, comments_on, review_on, ..model.lesson };
                    floor.set(&model.lesson);
                    prop_assert_eq!(floor.settings(), Settings { slow_ms, comments_on, review_on });
                }
            }
        }
    }
}

#[test]
fn a_refusal_says_the_first_thing_that_is_wrong() {
    let hard = Lesson { id: LessonId::new(NOW), comments_on: false, slow_ms: 60_000, ..lesson() };
    let mut floor = Floor::new(&hard, &[crate::room::Mute { user: user(2), until: at(9_000) }]);
    let why = |floor: &mut Floor, name: &str, body: &str| {
        floor.comment(mentee(2), name, body, at(0)).expect_err("refused").why
    };
    assert_eq!(why(&mut floor, "tidak boleh", "bodoh"), Why::ClientId);
    assert_eq!(why(&mut floor, "c1", ""), Why::Empty);
    assert_eq!(why(&mut floor, "c1", "bodoh"), Why::CommentsOff, "not what is wrong with the words: nobody may speak");
    floor.set(&Lesson { comments_on: true, ..hard });
    assert_eq!(why(&mut floor, "c1", "bodoh"), Why::Muted);
    floor.mute(user(2), None);
    assert_eq!(why(&mut floor, "c1", "bodoh"), Why::Word);
}
