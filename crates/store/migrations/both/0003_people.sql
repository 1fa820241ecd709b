-- People, teaching, and what follows from them. One text for SQLite and PostgreSQL: TEXT ids (UUID) and JSON, BIGINT times
-- (Unix milliseconds) and truth values (0, 1). `version` counts the changes of a row, for ETags.

CREATE TABLE secrets (
    name       TEXT   NOT NULL,
    kid        BIGINT NOT NULL,
    value      TEXT   NOT NULL,
    created_ms BIGINT NOT NULL,
    retired_ms BIGINT,
    PRIMARY KEY (name, kid)
);

CREATE TABLE users (
    id           TEXT   NOT NULL PRIMARY KEY,
    -- Lower case. Of a person who was erased: 'erased:' and the id.
    email        TEXT   NOT NULL UNIQUE,
    name         TEXT   NOT NULL,
    -- The name as searches compare it: folded by the program, for each database has other rules.
    search       TEXT   NOT NULL,
    locale       TEXT   NOT NULL CHECK (locale IN ('id', 'en')),
    -- IANA name.
    zone         TEXT   NOT NULL,
    is_mentee    BIGINT NOT NULL CHECK (is_mentee IN (0, 1)),
    is_mentor    BIGINT NOT NULL CHECK (is_mentor IN (0, 1)),
    is_operator  BIGINT NOT NULL CHECK (is_operator IN (0, 1)),
    -- PHC string of argon2id; none: signs in by link or by an identity provider.
    password     TEXT,
    verified_ms  BIGINT,
    suspended_ms BIGINT,
    created_ms   BIGINT NOT NULL,
    version      BIGINT NOT NULL
);

CREATE TABLE identities (
    issuer     TEXT   NOT NULL,
    subject    TEXT   NOT NULL,
    user_id    TEXT   NOT NULL REFERENCES users (id),
    created_ms BIGINT NOT NULL,
    PRIMARY KEY (issuer, subject)
);
CREATE INDEX identities_user ON identities (user_id);

CREATE TABLE sessions (
    id          TEXT   NOT NULL PRIMARY KEY,
    user_id     TEXT   NOT NULL REFERENCES users (id),
    kind        TEXT   NOT NULL CHECK (kind IN ('browser', 'bearer')),
    -- SHA-256 in hexadecimal; the secret itself is nowhere.
    secret_hash TEXT   NOT NULL UNIQUE,
    label       TEXT   NOT NULL,
    created_ms  BIGINT NOT NULL,
    seen_ms     BIGINT NOT NULL,
    expires_ms  BIGINT NOT NULL,
    revoked_ms  BIGINT
);
CREATE INDEX sessions_user ON sessions (user_id);
-- What is old is looked for each hour.
CREATE INDEX sessions_expires ON sessions (expires_ms);
CREATE INDEX sessions_revoked ON sessions (revoked_ms);

CREATE TABLE one_time_links (
    hash       TEXT   NOT NULL PRIMARY KEY,
    user_id    TEXT   NOT NULL REFERENCES users (id),
    purpose    TEXT   NOT NULL CHECK (purpose IN ('sign_in', 'reset', 'verify')),
    created_ms BIGINT NOT NULL,
    expires_ms BIGINT NOT NULL,
    used_ms    BIGINT,
    -- What was typed where the account was asked for: of the links that confirm an address. Becomes the account's when
    -- the link is used; the password only in the browser in which it was typed.
    password   TEXT,
    name       TEXT,
    locale     TEXT   CHECK (locale IN ('id', 'en')),
    zone       TEXT,
    -- SHA-256 of what that browser shows.
    browser    TEXT
);
CREATE INDEX one_time_links_user ON one_time_links (user_id);

-- Bytes are base64url without padding.
CREATE TABLE passkeys (
    id         TEXT   NOT NULL PRIMARY KEY,
    user_id    TEXT   NOT NULL REFERENCES users (id),
    credential TEXT   NOT NULL UNIQUE,
    -- The public key and what else never changes, as the library that verifies keeps it.
    public_key TEXT   NOT NULL,
    -- The signature counter and what else changes with each use, likewise.
    state      TEXT   NOT NULL,
    name       TEXT   NOT NULL,
    created_ms BIGINT NOT NULL,
    used_ms    BIGINT
);
CREATE INDEX passkeys_user ON passkeys (user_id);

-- Challenges that were answered, until they would have ended: each is answered once, whichever server gave it out.
CREATE TABLE answered_challenges (
    -- SHA-256 in hexadecimal.
    challenge  TEXT   NOT NULL PRIMARY KEY,
    expires_ms BIGINT NOT NULL
);

-- Wrong passwords, by account and by address.
CREATE TABLE sign_in_failures (
    subject TEXT   NOT NULL,
    at_ms   BIGINT NOT NULL
);
CREATE INDEX sign_in_failures_subject ON sign_in_failures (subject, at_ms);
CREATE INDEX sign_in_failures_time ON sign_in_failures (at_ms);

CREATE TABLE audit (
    id       TEXT   NOT NULL PRIMARY KEY,
    at_ms    BIGINT NOT NULL,
    actor_id TEXT,
    action   TEXT   NOT NULL,
    subject  TEXT   NOT NULL,
    detail   TEXT   NOT NULL
);
CREATE INDEX audit_time ON audit (at_ms, id);

-- What changed, in the order in which it was committed: `seq` has no gaps and never goes back. Written in the transaction
-- of the change. The outbox of notices, the feed of the API and the memory of running servers are fed from it.
CREATE TABLE changes (
    seq        BIGINT NOT NULL PRIMARY KEY,
    at_ms      BIGINT NOT NULL,
    kind       TEXT   NOT NULL,
    user_id    TEXT,
    session_id TEXT,
    course_id  TEXT,
    lesson_id  TEXT,
    channel_id TEXT,
    -- JSON object.
    payload    TEXT   NOT NULL
);
CREATE INDEX changes_kind ON changes (kind, at_ms);

-- How far each follower of `changes` has come.
CREATE TABLE cursors (
    name   TEXT   NOT NULL PRIMARY KEY,
    seq    BIGINT NOT NULL,
    -- How far it has come within the change behind `seq`; empty: not begun.
    resume TEXT   NOT NULL DEFAULT ''
);

CREATE TABLE idempotency_keys (
    user_id      TEXT   NOT NULL,
    key          TEXT   NOT NULL,
    -- SHA-256 over method, path and body.
    request_hash TEXT   NOT NULL,
    -- 0 while the request is being worked on.
    status       BIGINT NOT NULL,
    body         TEXT   NOT NULL,
    created_ms   BIGINT NOT NULL,
    PRIMARY KEY (user_id, key)
);
CREATE INDEX idempotency_keys_time ON idempotency_keys (created_ms);
CREATE INDEX idempotency_keys_user ON idempotency_keys (user_id, created_ms);

CREATE TABLE mentors (
    user_id    TEXT   NOT NULL PRIMARY KEY REFERENCES users (id),
    headline   TEXT   NOT NULL,
    bio        TEXT   NOT NULL,
    -- The headline, folded.
    search     TEXT   NOT NULL,
    created_ms BIGINT NOT NULL,
    version    BIGINT NOT NULL
);

-- Keys that publish to whichever lesson of their mentor has its slot.
CREATE TABLE mentor_keys (
    id         TEXT   NOT NULL PRIMARY KEY,
    mentor_id  TEXT   NOT NULL REFERENCES users (id),
    label      TEXT   NOT NULL,
    hash       TEXT   NOT NULL UNIQUE,
    created_ms BIGINT NOT NULL,
    revoked_ms BIGINT
);
CREATE INDEX mentor_keys_mentor ON mentor_keys (mentor_id);

-- The address of somebody's calendar is signed with this number: it rises when the address before is withdrawn.
CREATE TABLE calendars (
    user_id    TEXT   NOT NULL PRIMARY KEY REFERENCES users (id),
    generation BIGINT NOT NULL,
    changed_ms BIGINT NOT NULL
);

CREATE TABLE courses (
    id          TEXT   NOT NULL PRIMARY KEY,
    mentor_id   TEXT   NOT NULL REFERENCES users (id),
    title       TEXT   NOT NULL,
    summary     TEXT   NOT NULL,
    -- Title and summary, a line each, folded.
    search      TEXT   NOT NULL,
    enrolment   TEXT   NOT NULL CHECK (enrolment IN ('open', 'invitation', 'approval')),
    capacity    BIGINT CHECK (capacity > 0),
    archived_ms BIGINT,
    created_ms  BIGINT NOT NULL,
    version     BIGINT NOT NULL
);
CREATE INDEX courses_mentor ON courses (mentor_id);

CREATE TABLE enrolments (
    course_id  TEXT   NOT NULL REFERENCES courses (id),
    user_id    TEXT   NOT NULL REFERENCES users (id),
    state      TEXT   NOT NULL CHECK (state IN ('requested', 'active', 'declined', 'left', 'removed')),
    created_ms BIGINT NOT NULL,
    changed_ms BIGINT NOT NULL,
    version    BIGINT NOT NULL,
    PRIMARY KEY (course_id, user_id)
);
CREATE INDEX enrolments_user ON enrolments (user_id, state);

CREATE TABLE invitations (
    id         TEXT   NOT NULL PRIMARY KEY,
    hash       TEXT   NOT NULL UNIQUE,
    course_id  TEXT   NOT NULL REFERENCES courses (id),
    created_ms BIGINT NOT NULL,
    expires_ms BIGINT NOT NULL,
    uses_left  BIGINT NOT NULL,
    revoked_ms BIGINT
);
CREATE INDEX invitations_course ON invitations (course_id);

CREATE TABLE lessons (
    id          TEXT   NOT NULL PRIMARY KEY,
    course_id   TEXT   NOT NULL REFERENCES courses (id),
    mentor_id   TEXT   NOT NULL REFERENCES users (id),
    channel_id  TEXT   NOT NULL UNIQUE REFERENCES channels (id),
    -- Lessons that were set together, each a week after the one before.
    series_id   TEXT,
    title       TEXT   NOT NULL,
    summary     TEXT   NOT NULL,
    -- As scheduled.
    starts_ms   BIGINT NOT NULL,
    ends_ms     BIGINT NOT NULL CHECK (ends_ms > starts_ms),
    -- In whose wall clock it was set.
    zone        TEXT   NOT NULL,
    state       TEXT   NOT NULL CHECK (state IN ('scheduled', 'live', 'ended', 'cancelled')),
    -- As it was.
    started_ms  BIGINT,
    ended_ms    BIGINT,
    capacity    BIGINT CHECK (capacity > 0),
    -- Milliseconds between two comments of one person; 0: none.
    slow_ms     BIGINT NOT NULL,
    comments_on BIGINT NOT NULL CHECK (comments_on IN (0, 1)),
    -- Comments wait for the mentor before anyone sees them.
    review_on   BIGINT NOT NULL CHECK (review_on IN (0, 1)),
    -- JSON array of words.
    word_filter TEXT   NOT NULL,
    -- When the server that holds its stream last wrote so.
    seen_ms     BIGINT,
    -- When it was told that its recording can be played: once.
    announced_ms BIGINT,
    created_ms  BIGINT NOT NULL,
    version     BIGINT NOT NULL
);
CREATE INDEX lessons_unannounced ON lessons (ended_ms) WHERE state = 'ended' AND announced_ms IS NULL;
CREATE INDEX lessons_course ON lessons (course_id, starts_ms);
CREATE INDEX lessons_series ON lessons (series_id) WHERE series_id IS NOT NULL;
CREATE INDEX lessons_mentor ON lessons (mentor_id, starts_ms);
CREATE INDEX lessons_start ON lessons (state, starts_ms);
-- What was over at some moment.
CREATE INDEX lessons_over ON lessons ((COALESCE(ended_ms, ends_ms)));
-- Lists go by begin.
CREATE INDEX lessons_time ON lessons (starts_ms, id);

-- What a new stream could meet is found without the others.
CREATE INDEX recordings_stream ON recordings (stream);
CREATE INDEX recordings_next ON recordings (next_msn);
CREATE INDEX recordings_app ON recordings (app, started_ms);
CREATE INDEX recordings_name ON recordings (name, started_ms);

CREATE TABLE chapters (
    lesson_id TEXT   NOT NULL REFERENCES lessons (id),
    -- From the first frame of the recording.
    at_ms     BIGINT NOT NULL,
    title     TEXT   NOT NULL,
    PRIMARY KEY (lesson_id, at_ms)
);

-- Who was sent out of a lesson. `lifted_ms`: and let in again.
CREATE TABLE bans (
    lesson_id  TEXT   NOT NULL REFERENCES lessons (id),
    user_id    TEXT   NOT NULL REFERENCES users (id),
    by_id      TEXT   NOT NULL REFERENCES users (id),
    reason     TEXT   NOT NULL,
    created_ms BIGINT NOT NULL,
    lifted_ms  BIGINT,
    PRIMARY KEY (lesson_id, user_id)
);

-- The sum of it, and what the mentor decided.
CREATE TABLE attendance (
    lesson_id  TEXT   NOT NULL REFERENCES lessons (id),
    user_id    TEXT   NOT NULL REFERENCES users (id),
    -- Media really delivered while the lesson was live; what came twice counts once.
    watched_ms BIGINT NOT NULL CHECK (watched_ms >= 0),
    first_ms   BIGINT,
    last_ms    BIGINT,
    -- 'measured': by watched_ms alone.
    decision   TEXT   NOT NULL CHECK (decision IN ('measured', 'present', 'absent')),
    -- Whether the recording plays for them, as of the last change.
    attended   BIGINT NOT NULL CHECK (attended IN (0, 1)),
    version    BIGINT NOT NULL,
    PRIMARY KEY (lesson_id, user_id)
);
CREATE INDEX attendance_user ON attendance (user_id, attended);

-- Stretches of media time that one playback delivered.
CREATE TABLE attendance_intervals (
    lesson_id   TEXT   NOT NULL REFERENCES lessons (id),
    user_id     TEXT   NOT NULL REFERENCES users (id),
    playback_id TEXT   NOT NULL,
    protocol    TEXT   NOT NULL,
    -- Moment of the media's first and last: of its stream's first frame, and stream time on.
    from_ms     BIGINT NOT NULL,
    to_ms       BIGINT NOT NULL CHECK (to_ms >= from_ms),
    PRIMARY KEY (lesson_id, user_id, playback_id, protocol, from_ms)
);

-- What the mentor corrected, and why.
CREATE TABLE attendance_corrections (
    id        TEXT   NOT NULL PRIMARY KEY,
    lesson_id TEXT   NOT NULL REFERENCES lessons (id),
    user_id   TEXT   NOT NULL REFERENCES users (id),
    by_id     TEXT   NOT NULL REFERENCES users (id),
    before    TEXT   NOT NULL,
    after     TEXT   NOT NULL,
    reason    TEXT   NOT NULL,
    at_ms     BIGINT NOT NULL
);
CREATE INDEX attendance_corrections_lesson ON attendance_corrections (lesson_id, at_ms);

-- Where somebody was in a recording.
CREATE TABLE positions (
    user_id   TEXT   NOT NULL REFERENCES users (id),
    lesson_id TEXT   NOT NULL REFERENCES lessons (id),
    at_ms     BIGINT NOT NULL,
    saved_ms  BIGINT NOT NULL,
    PRIMARY KEY (user_id, lesson_id)
);

CREATE TABLE comments (
    lesson_id TEXT   NOT NULL REFERENCES lessons (id),
    -- Order in the room; without gaps.
    seq       BIGINT NOT NULL,
    id        TEXT   NOT NULL UNIQUE,
    user_id   TEXT   NOT NULL REFERENCES users (id),
    -- The sender's own name for it: sent twice, it is there once.
    client_id TEXT   NOT NULL,
    body      TEXT   NOT NULL,
    at_ms     BIGINT NOT NULL,
    -- Where the sender's picture was, from the first frame of the lesson.
    media_ms  BIGINT,
    state     TEXT   NOT NULL CHECK (state IN ('shown', 'held', 'deleted')),
    pinned    BIGINT NOT NULL CHECK (pinned IN (0, 1)),
    PRIMARY KEY (lesson_id, seq)
);
CREATE UNIQUE INDEX comments_client ON comments (lesson_id, user_id, client_id);
CREATE INDEX comments_media ON comments (lesson_id, media_ms, seq);

CREATE TABLE mutes (
    lesson_id  TEXT   NOT NULL REFERENCES lessons (id),
    user_id    TEXT   NOT NULL REFERENCES users (id),
    until_ms   BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    PRIMARY KEY (lesson_id, user_id)
);

-- Reactions, summed over stretches of media time.
CREATE TABLE reactions (
    lesson_id TEXT   NOT NULL REFERENCES lessons (id),
    kind      TEXT   NOT NULL,
    -- Begin of the stretch, from the first frame of the lesson.
    media_ms  BIGINT NOT NULL,
    count     BIGINT NOT NULL,
    PRIMARY KEY (lesson_id, media_ms, kind)
);

CREATE TABLE hands (
    lesson_id  TEXT   NOT NULL REFERENCES lessons (id),
    user_id    TEXT   NOT NULL REFERENCES users (id),
    raised_ms  BIGINT NOT NULL,
    lowered_ms BIGINT,
    PRIMARY KEY (lesson_id, user_id)
);

CREATE TABLE notice_settings (
    user_id         TEXT   NOT NULL PRIMARY KEY REFERENCES users (id),
    push_on         BIGINT NOT NULL CHECK (push_on IN (0, 1)),
    email_on        BIGINT NOT NULL CHECK (email_on IN (0, 1)),
    -- JSON array of kinds that are not wanted.
    muted_kinds     TEXT   NOT NULL,
    -- Minutes after midnight in the user's zone; both or none.
    quiet_from_min  BIGINT,
    quiet_until_min BIGINT,
    version         BIGINT NOT NULL
);

CREATE TABLE push_subscriptions (
    id         TEXT   NOT NULL PRIMARY KEY,
    user_id    TEXT   NOT NULL REFERENCES users (id),
    session_id TEXT   NOT NULL,
    endpoint   TEXT   NOT NULL UNIQUE,
    p256dh     TEXT   NOT NULL,
    auth       TEXT   NOT NULL,
    created_ms BIGINT NOT NULL,
    gone_ms    BIGINT
);
CREATE INDEX push_subscriptions_user ON push_subscriptions (user_id);

-- Something that one user is to be told, once.
CREATE TABLE notices (
    id         TEXT   NOT NULL PRIMARY KEY,
    user_id    TEXT   NOT NULL REFERENCES users (id),
    -- What it is about and for which state of it, e.g. 'lesson_soon:<lesson>:<starts_ms>'.
    event_key  TEXT   NOT NULL,
    kind       TEXT   NOT NULL,
    lesson_id  TEXT,
    payload    TEXT   NOT NULL,
    created_ms BIGINT NOT NULL,
    read_ms    BIGINT
);
CREATE UNIQUE INDEX notices_once ON notices (user_id, event_key);
CREATE INDEX notices_time ON notices (user_id, id);
-- Old ones are forgotten.
CREATE INDEX notices_age ON notices (created_ms);

-- Reminders that were written to `changes`: one for each start of a lesson, whichever server's clock came first.
CREATE TABLE reminders (
    lesson_id TEXT   NOT NULL REFERENCES lessons (id),
    kind      TEXT   NOT NULL CHECK (kind IN ('lesson_tomorrow', 'lesson_soon')),
    starts_ms BIGINT NOT NULL,
    at_ms     BIGINT NOT NULL,
    PRIMARY KEY (lesson_id, kind, starts_ms)
);

CREATE TABLE webhooks (
    id          TEXT   NOT NULL PRIMARY KEY,
    owner_id    TEXT   NOT NULL REFERENCES users (id),
    url         TEXT   NOT NULL,
    -- Signs with HMAC-SHA-256.
    secret      TEXT   NOT NULL,
    -- JSON array of kinds of change; empty: all.
    kinds       TEXT   NOT NULL,
    created_ms  BIGINT NOT NULL,
    disabled_ms BIGINT,
    version     BIGINT NOT NULL
);

-- One way of telling one notice, or one change to one webhook.
CREATE TABLE deliveries (
    id         TEXT   NOT NULL PRIMARY KEY,
    -- Unique for each thing told by each way to each target: what makes "once" true.
    once_key   TEXT   NOT NULL UNIQUE,
    medium     TEXT   NOT NULL CHECK (medium IN ('push', 'email', 'webhook')),
    notice_id  TEXT,
    webhook_id TEXT,
    user_id    TEXT,
    -- Subscription id, e-mail address or URL.
    target     TEXT   NOT NULL,
    payload    TEXT   NOT NULL,
    state      TEXT   NOT NULL CHECK (state IN ('waiting', 'sent', 'dead')),
    attempts   BIGINT NOT NULL,
    -- Not before; moved on by quiet hours, a lease, and back-off.
    next_ms    BIGINT NOT NULL,
    -- Who is sending it: a fencing token.
    lease      TEXT,
    created_ms BIGINT NOT NULL,
    -- Given up by then.
    expires_ms BIGINT NOT NULL,
    done_ms    BIGINT,
    error      TEXT   NOT NULL
);
CREATE INDEX deliveries_due ON deliveries (state, next_ms);
CREATE INDEX deliveries_webhook ON deliveries (webhook_id, id);
-- What is due by webhook, or to people, behind however much waits for others; and what is under way.
CREATE INDEX deliveries_webhook_due ON deliveries (webhook_id, state, next_ms, id);
CREATE INDEX deliveries_webhook_leased ON deliveries (webhook_id, next_ms) WHERE lease IS NOT NULL;
-- By which ways a notice went.
CREATE INDEX deliveries_notice ON deliveries (notice_id) WHERE notice_id IS NOT NULL;
-- What waits for a device that is gone.
CREATE INDEX deliveries_waiting ON deliveries (target) WHERE state = 'waiting';

-- Streams that go on to another server, or come from one.
CREATE TABLE relays (
    id         TEXT   NOT NULL PRIMARY KEY,
    channel_id TEXT   NOT NULL REFERENCES channels (id),
    direction  TEXT   NOT NULL CHECK (direction IN ('push', 'pull')),
    -- Its path ends in a key.
    url        TEXT   NOT NULL,
    created_ms BIGINT NOT NULL,
    -- Of a pull: the server that fetches it, and until when it is that one's alone.
    server_id  TEXT,
    held_ms    BIGINT NOT NULL,
    UNIQUE (channel_id, direction, url)
);
