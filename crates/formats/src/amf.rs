//! Action Message Format: the values that RTMP commands and FLV script tags are made of.
//!
//! [`amf0`] reads and writes version 0 (Adobe, "AMF 0 File Format Specification", 2007), [`amf3`] reads version 3
//! (Adobe, "AMF 3 Specification", 2013), which a peer may switch to inside version 0. Both give the same [`Value`].
//! What a command or a metadata key *means* is not known here.
//!
//! Nesting and sizes are the peer's word, so all are bounded by [`Limits`] before anything is allocated; the decoders
//! recurse at most [`Limits::depth_max`] deep, because a stack overflow would abort the whole process.

pub mod amf0;
pub mod amf3;
mod reader;

/// One decoded value, of either version.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Any number; AMF3 integers too.
    Number(f64),
    /// True or false.
    Boolean(bool),
    /// Text, short or long form. Bytes that are not UTF-8 were replaced by U+FFFD.
    String(String),
    /// Properties in the order they came. Duplicate keys are kept.
    Object(Vec<(String, Value)>),
    /// An associative array: as [`Value::Object`], with a count on the wire that is only a hint.
    EcmaArray(Vec<(String, Value)>),
    /// A dense array.
    StrictArray(Vec<Value>),
    /// Null.
    Null,
    /// Undefined; also what stands for references and byte arrays, which no media peer needs.
    Undefined,
    /// A point in time; the time zone on the wire is reserved and dropped.
    Date {
        /// Milliseconds since 1970-01-01T00:00:00Z.
        millis: f64,
    },
    /// XML text, not looked into.
    XmlDocument(String),
    /// An object with a class name.
    TypedObject {
        /// Class name.
        class: String,
        /// Properties in the order they came.
        properties: Vec<(String, Value)>,
    },
}

impl Value {
    /// An object of these properties.
    pub fn object<'a>(properties: impl IntoIterator<Item = (&'a str, Value)>) -> Self {
        Self::Object(properties.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
    }

    /// An ECMA array of these properties.
    pub fn ecma_array<'a>(properties: impl IntoIterator<Item = (&'a str, Value)>) -> Self {
        Self::EcmaArray(properties.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
    }

    /// The properties of an object, typed object or ECMA array.
    #[must_use]
    pub fn properties(&self) -> Option<&[(String, Value)]> {
        match self {
            Self::Object(properties) | Self::EcmaArray(properties) | Self::TypedObject { properties, .. } => {
                Some(properties)
            }
            Self::Number(_)
            | Self::Boolean(_)
            | Self::String(_)
            | Self::StrictArray(_)
            | Self::Null
            | Self::Undefined
            | Self::Date { .. }
            | Self::XmlDocument(_) => None,
        }
    }

    /// The first property of that name, if this has properties.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.properties()?.iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// The text of a string.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The number of a number.
    #[must_use]
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            _ => None,
        }
    }

    /// The truth of a boolean.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Boolean(truth) => Some(*truth),
            _ => None,
        }
    }

    /// The items of a strict array.
    #[must_use]
    pub fn as_array(&self) -> Option<&[Value]> {
        match self {
            Self::StrictArray(items) => Some(items),
            _ => None,
        }
    }

    /// Appends this value in AMF0 form. See [`amf0::encode`].
    pub fn encode(&self, out: &mut Vec<u8>) {
        amf0::encode(self, out);
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        Self::Boolean(truth)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::String(text)
    }
}

/// What one message may make a decoder build.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Deepest nesting of objects and arrays. Commands and metadata in the wild nest 4 deep; [`Limits::DEPTH_CEILING`]
    /// applies whatever is set here.
    pub depth_max: usize,
    /// Most values in one message, nested ones included. A value costs about 60 bytes of memory.
    pub values_max: usize,
    /// Most bytes of text in one message, counting each AMF3 string reference as a copy.
    pub text_bytes_max: usize,
}

impl Limits {
    /// No setting may recurse deeper than this: 32 frames of the decoder are far below any thread's stack.
    pub const DEPTH_CEILING: usize = 32;

    /// Items that a list makes room for before they are read. Nested lists could otherwise each claim the rest of a
    /// message and take 32 times its size.
    const PREALLOCATED_MAX: usize = 64;

    /// For commands and metadata: 32 deep, 8192 values (a `keyframes` index of a recording has thousands), 1 MiB text.
    pub const DEFAULT: Self = Self { depth_max: Self::DEPTH_CEILING, values_max: 8_192, text_bytes_max: 1 << 20 };
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// Why bytes are not a value. Always the sender's fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AmfError {
    /// The bytes end inside a value.
    #[error("amf value cut off at byte {at}")]
    Truncated {
        /// Offset at which more bytes were needed.
        at: usize,
    },
    /// A type marker that the version does not define, or reserves.
    #[error("unknown amf marker {marker:#04x} at byte {at}")]
    Marker {
        /// The marker.
        marker: u8,
        /// Its offset.
        at: usize,
    },
    /// Nested deeper than [`Limits::depth_max`].
    #[error("amf nesting exceeds {max} levels at byte {at}")]
    TooDeep {
        /// The limit.
        max: usize,
        /// Offset of the value that is too deep.
        at: usize,
    },
    /// More values than [`Limits::values_max`], or a count that the bytes left cannot hold.
    #[error("too many amf values at byte {at}")]
    TooMany {
        /// Offset of the count or value.
        at: usize,
    },
    /// More text than [`Limits::text_bytes_max`].
    #[error("too much amf text at byte {at}")]
    TooLong {
        /// Offset of the text.
        at: usize,
    },
    /// An AMF3 reference to something that was not sent before.
    #[error("amf3 reference {index} to nothing at byte {at}")]
    Reference {
        /// The index.
        index: u32,
        /// Offset after the reference.
        at: usize,
    },
    /// An AMF3 object with its own serialisation, whose length cannot be known.
    #[error("amf3 externalizable object of an unknown class at byte {at}")]
    Externalizable {
        /// Offset after the traits.
        at: usize,
    },
}

#[cfg(test)]
mod tests;
