//! A replica, for lists that may be some seconds old, for as long as it keeps up.
//!
//! Asked at most once a second whether it is one and follows its primary; when it does not answer, falls behind or was made a
//! primary itself, lists are read from the primary and nobody waits for it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};

/// How long what it answered holds.
const ASK_EVERY: Duration = Duration::from_secs(1);

/// How long it may take to answer. Two round trips between continents.
const ANSWER_WITHIN: Duration = Duration::from_millis(500);

/// What it may be behind: a list that a person reads is no older than what they read a moment ago.
const FOLLOWS: &str = "SELECT pg_is_in_recovery()
    AND EXISTS (SELECT 1 FROM pg_stat_wal_receiver)
    AND (pg_last_wal_receive_lsn() IS NOT DISTINCT FROM pg_last_wal_replay_lsn()
        OR COALESCE(now() - pg_last_xact_replay_timestamp() < interval '5 seconds', FALSE))";

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Replica {
    pool: PgPool,
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    follows: bool,
    asked: Option<Instant>,
}

impl Replica {
    /// Connects when it is first asked.
    pub(super) fn new(options: PgConnectOptions, connections_max: u32) -> Self {
        let pool = PgPoolOptions::new()
            .max_connections(connections_max)
            .acquire_timeout(ANSWER_WITHIN)
            .connect_lazy_with(options);
        Self { pool, state: Arc::new(Mutex::new(State { follows: false, asked: None })) }
    }

    /// Its connections, if it keeps up.
    pub(super) async fn keeps_up(&self) -> Option<&PgPool> {
        let known = {
            let mut state = self.state.lock();
            let now = Instant::now();
            let is_known = state.asked.is_some_and(|asked| now.duration_since(asked) < ASK_EVERY);
            if !is_known {
                // Whoever comes meanwhile goes by what was known before.
                state.asked = Some(now);
            }
            is_known.then_some(state.follows)
        };
        let follows = match known {
            Some(follows) => follows,
            None => self.ask().await,
        };
        follows.then_some(&self.pool)
    }

    async fn ask(&self) -> bool {
        let asking = tokio::time::timeout(ANSWER_WITHIN, sqlx::query_scalar::<_, bool>(FOLLOWS).fetch_one(&self.pool));
        let answer = asking.await;
        let follows = matches!(answer, Ok(Ok(true)));
        let mut state = self.state.lock();
        if state.follows != follows {
            let why = match answer {
                Ok(Ok(_)) => "it does not follow its primary".to_owned(),
                Ok(Err(error)) => error.to_string(),
                Err(_) => "it does not answer".to_owned(),
            };
            if follows {
                tracing::info!("the replica follows: lists are read there");
            } else {
                tracing::warn!(why, "the replica is left out: lists are read from the primary");
            }
        }
        state.follows = follows;
        follows
    }

    /// It failed, though it followed a moment ago: it is left out until it is asked again.
    pub(super) fn failed(&self, error: &sqlx::Error) {
        tracing::warn!(%error, "the replica failed: lists are read from the primary");
        self.state.lock().follows = false;
    }

    /// Ends its connections.
    pub(super) async fn close(&self) {
        self.pool.close().await;
    }
}
