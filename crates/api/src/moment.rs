//! Times on the wire: RFC 3339 in UTC with milliseconds.

use media::UnixMillis;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// A moment as clients write and read it: `2026-11-28T12:00:00.000Z`. Any offset is taken, UTC is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(pub UnixMillis);

impl From<UnixMillis> for Moment {
    fn from(at: UnixMillis) -> Self {
        Self(at)
    }
}

impl std::fmt::Display for Moment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Beyond the years that jiff knows nothing is ever asked for.
        let at = jiff::Timestamp::from_millisecond(self.0.0).unwrap_or_default();
        write!(f, "{at:.3}")
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let at: jiff::Timestamp =
            text.parse().map_err(|_| serde::de::Error::custom("must be a time as 2026-11-28T12:00:00Z"))?;
        Ok(Self(UnixMillis(at.as_millisecond())))
    }
}

impl ToSchema for Moment {}

impl PartialSchema for Moment {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
            .into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_given_in_utc_and_taken_in_any_offset() {
        let at = Moment(UnixMillis(1_795_867_200_123));
        assert_eq!(serde_json::to_string(&at).expect("text"), "\"2026-11-28T12:00:00.123Z\"");
        assert_eq!(serde_json::from_str::<Moment>("\"2026-11-28T19:00:00.123+07:00\"").expect("read"), at);
        assert!(serde_json::from_str::<Moment>("\"2026-11-28\"").is_err());
        assert!(serde_json::from_str::<Moment>("5").is_err());
    }
}
