//! Rows as they lie in the tables, into the domain's types and checked on the way; and the database's errors.

use control::{Channel, Recording, RepositoryError, StreamKey};
use media::{ChannelPath, Redacted, StreamId, UnixMillis};
use sqlx::error::{DatabaseError, ErrorKind};
use sqlx::{Decode, Row as _, Type};

use super::{Db, Row, is_contended, is_full};

/// The existing channel at (`$1`, `$2`).
pub(super) const CHANNEL_BY_PATH: &str =
    "SELECT id, app, name, record, public, sign_secret, legacy_md5_secret, created_ms
     FROM channels WHERE app = $1 AND name = $2 AND deleted_ms IS NULL";

/// Every existing channel.
pub(super) const ALL_CHANNELS: &str = "SELECT id, app, name, record, public, sign_secret, legacy_md5_secret, created_ms
     FROM channels WHERE deleted_ms IS NULL ORDER BY created_ms, id";

/// Existing channels; conditions go behind.
pub(super) const CHANNELS: &str = "SELECT id, app, name, record, public, sign_secret, legacy_md5_secret, created_ms
     FROM channels WHERE deleted_ms IS NULL";

/// Keys; conditions go behind.
pub(super) const KEYS: &str = "SELECT id, channel_id, label, hash, created_ms, revoked_ms FROM stream_keys";

/// Every key.
pub(super) const ALL_KEYS: &str =
    "SELECT id, channel_id, label, hash, created_ms, revoked_ms FROM stream_keys ORDER BY created_ms, id";

/// The keys of channel `$1`.
pub(super) const KEYS_OF_CHANNEL: &str = "SELECT id, channel_id, label, hash, created_ms, revoked_ms FROM stream_keys
     WHERE channel_id = $1 ORDER BY created_ms, id";

/// The recording of stream `$2` of channel `$1`.
pub(super) const RECORDING_BY_ID: &str =
    "SELECT channel_id, stream, app, name, started_ms, duration_ms, bytes, next_msn, state FROM recordings
     WHERE channel_id = $1 AND stream = $2";

/// The recordings of channel `$1`.
pub(super) const RECORDINGS_OF_CHANNEL: &str =
    "SELECT channel_id, stream, app, name, started_ms, duration_ms, bytes, next_msn, state FROM recordings
     WHERE channel_id = $1 ORDER BY started_ms, stream";

/// The newest of a channel, along its primary key: streams are numbered by when they began.
pub(super) const NEWEST_RECORDINGS: &str =
    "SELECT channel_id, stream, app, name, started_ms, duration_ms, bytes, next_msn, state FROM recordings
     WHERE channel_id = $1 ORDER BY stream DESC LIMIT $2";

/// The newest of all, and those that are numbered beyond its second: stream ids are milliseconds, segments are numbered
/// from their stream's second on.
pub(super) const RECORDINGS_AHEAD: &str =
    "SELECT channel_id, stream, app, name, started_ms, duration_ms, bytes, next_msn, state FROM recordings
     WHERE stream = (SELECT MAX(stream) FROM recordings) OR next_msn > (SELECT MAX(stream) / 1000 FROM recordings)";

/// Every recording.
pub(super) const ALL_RECORDINGS: &str =
    "SELECT channel_id, stream, app, name, started_ms, duration_ms, bytes, next_msn, state FROM recordings
     ORDER BY started_ms, stream, channel_id";

/// A row of `channels`.
pub(super) fn channel(row: &Row) -> Result<Channel, RepositoryError> {
    Ok(Channel {
        id: parsed(row, "id")?,
        path: path(row)?,
        record: truth(row, "record")?,
        public: truth(row, "public")?,
        sign_secret: Redacted(column(row, "sign_secret")?),
        legacy_md5_secret: column::<Option<String>>(row, "legacy_md5_secret")?.map(Redacted),
        created: UnixMillis(column(row, "created_ms")?),
    })
}

/// A row of `stream_keys`.
pub(super) fn key(row: &Row) -> Result<StreamKey, RepositoryError> {
    Ok(StreamKey {
        id: parsed(row, "id")?,
        channel: parsed(row, "channel_id")?,
        label: column(row, "label")?,
        hash: parsed(row, "hash")?,
        created: UnixMillis(column(row, "created_ms")?),
        revoked_at: column::<Option<i64>>(row, "revoked_ms")?.map(UnixMillis),
    })
}

/// A row of `recordings`.
pub(super) fn recording(row: &Row) -> Result<Recording, RepositoryError> {
    Ok(Recording {
        id: StreamId(count(row, "stream")?),
        channel: parsed(row, "channel_id")?,
        path: path(row)?,
        started: UnixMillis(column(row, "started_ms")?),
        duration_ms: count(row, "duration_ms")?,
        bytes: count(row, "bytes")?,
        next_msn: count(row, "next_msn")?,
        state: parsed(row, "state")?,
    })
}

/// All rows, or the first that cannot be read.
pub(super) fn each<T>(rows: &[Row], read: fn(&Row) -> Result<T, RepositoryError>) -> Result<Vec<T>, RepositoryError> {
    rows.iter().map(read).collect()
}

/// A count as the database holds it.
pub(super) fn stored(count: u64) -> Result<i64, RepositoryError> {
    i64::try_from(count).map_err(|error| RepositoryError::Backend(Box::new(error)))
}

/// The domain's word for what the database says went wrong with a `subject`.
pub(super) fn failed(subject: &'static str, error: sqlx::Error) -> RepositoryError {
    match error.as_database_error().map(DatabaseError::kind) {
        Some(ErrorKind::UniqueViolation) => RepositoryError::Exists(subject),
        Some(ErrorKind::ForeignKeyViolation) => RepositoryError::NotFound("channel"),
        _ if is_full(&error) => RepositoryError::Full,
        _ if is_contended(&error) => RepositoryError::Contended,
        _ => RepositoryError::Backend(Box::new(error)),
    }
}

fn path(row: &Row) -> Result<ChannelPath, RepositoryError> {
    Ok(ChannelPath { app: parsed(row, "app")?, name: parsed(row, "name")? })
}

pub(super) fn column<'r, T: Decode<'r, Db> + Type<Db>>(row: &'r Row, name: &str) -> Result<T, RepositoryError> {
    row.try_get(name).map_err(|_| corrupt(name))
}

pub(super) fn parsed<T: std::str::FromStr>(row: &Row, name: &str) -> Result<T, RepositoryError> {
    column::<&str>(row, name)?.parse().map_err(|_| corrupt(name))
}

/// A text that may be missing, read as what it names.
pub(super) fn parsed_if<T: std::str::FromStr>(row: &Row, name: &str) -> Result<Option<T>, RepositoryError> {
    column::<Option<&str>>(row, name)?.map(|text| text.parse().map_err(|_| corrupt(name))).transpose()
}

/// A number that fits 32 bits.
pub(super) fn small(row: &Row, name: &str) -> Result<u32, RepositoryError> {
    u32::try_from(column::<i64>(row, name)?).map_err(|_| corrupt(name))
}

/// A number that fits 32 bits and may be missing.
pub(super) fn small_if(row: &Row, name: &str) -> Result<Option<u32>, RepositoryError> {
    column::<Option<i64>>(row, name)?.map(u32::try_from).transpose().map_err(|_| corrupt(name))
}

/// A JSON array of texts.
pub(super) fn words(row: &Row, name: &str) -> Result<Vec<String>, RepositoryError> {
    serde_json::from_str(column::<&str>(row, name)?).map_err(|_| corrupt(name))
}

/// A moment that may be missing.
pub(super) fn moment_if(row: &Row, name: &str) -> Result<Option<UnixMillis>, RepositoryError> {
    Ok(column::<Option<i64>>(row, name)?.map(UnixMillis))
}

pub(super) fn truth(row: &Row, name: &str) -> Result<bool, RepositoryError> {
    Ok(column::<i64>(row, name)? != 0)
}

pub(super) fn count(row: &Row, name: &str) -> Result<u64, RepositoryError> {
    u64::try_from(column::<i64>(row, name)?).map_err(|_| corrupt(name))
}

pub(super) fn corrupt(name: &str) -> RepositoryError {
    RepositoryError::Corrupt { what: format!("a value of {name}") }
}
