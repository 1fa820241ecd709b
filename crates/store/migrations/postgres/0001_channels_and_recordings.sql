-- Written so that PostgreSQL takes it too: TEXT ids, BIGINT milliseconds, BIGINT truths.

CREATE TABLE channels (
    id                TEXT     NOT NULL PRIMARY KEY,
    app               TEXT     NOT NULL,
    name              TEXT     NOT NULL,
    record            BIGINT   NOT NULL CHECK (record IN (0, 1)),
    public            BIGINT   NOT NULL CHECK (public IN (0, 1)),
    -- Kept as it is, not hashed: whoever checks an HMAC needs the secret. Emptied when the channel is deleted.
    sign_secret       TEXT     NOT NULL,
    legacy_md5_secret TEXT,
    created_ms        BIGINT   NOT NULL,
    -- A deleted channel stays for the sake of its recordings; its path is free.
    deleted_ms        BIGINT
);
CREATE UNIQUE INDEX channels_path ON channels (app, name) WHERE deleted_ms IS NULL;

CREATE TABLE stream_keys (
    id         TEXT   NOT NULL PRIMARY KEY,
    channel_id TEXT   NOT NULL REFERENCES channels (id),
    label      TEXT   NOT NULL,
    -- SHA-256 in hexadecimal; the key itself is nowhere.
    hash       TEXT   NOT NULL UNIQUE,
    created_ms BIGINT NOT NULL,
    revoked_ms BIGINT
);
CREATE INDEX stream_keys_channel ON stream_keys (channel_id);

CREATE TABLE recordings (
    channel_id  TEXT   NOT NULL REFERENCES channels (id),
    stream      BIGINT NOT NULL,
    app         TEXT   NOT NULL,
    name        TEXT   NOT NULL,
    started_ms  BIGINT NOT NULL,
    duration_ms BIGINT NOT NULL CHECK (duration_ms >= 0),
    bytes       BIGINT NOT NULL CHECK (bytes >= 0),
    state       TEXT   NOT NULL CHECK (state IN ('recording', 'sealed', 'ready')),
    PRIMARY KEY (channel_id, stream)
);
CREATE INDEX recordings_started ON recordings (started_ms);
