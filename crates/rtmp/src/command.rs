//! Commands (RTMP 1.0 §7.2): a name, a transaction number and AMF values; and the answers that go back.
//!
//! Status texts are fixed here or come from this side's own program. A stream name is never put into one: it may be a
//! stream key, and descriptions end up in players' logs.

use bytes::Bytes;
use formats::amf::{Value, amf0};

use crate::message::without_format_byte;

/// Most values read from one command; no known command has more than ten.
const VALUES_MAX: usize = 32;

/// A command as received. Not `Debug`: its values may hold a stream key.
pub(crate) struct Command {
    pub(crate) name: String,
    pub(crate) transaction: f64,
    /// Values after the transaction: the command object first.
    pub(crate) args: Vec<Value>,
}

impl Command {
    /// Reads a command of message type 20, or 17 with its format byte. Values after one that cannot be read are dropped.
    pub(crate) fn parse(body: &Bytes) -> Option<Self> {
        let body = without_format_byte(body);
        let mut values = Vec::new();
        let mut at = 0;
        while values.len() < VALUES_MAX {
            let Some(rest) = body.get(at..).filter(|rest| !rest.is_empty()) else { break };
            let Ok((value, size)) = amf0::decode_one(rest) else { break };
            at += size.max(1);
            values.push(value);
        }
        let mut values = values.into_iter();
        let Some(Value::String(name)) = values.next() else { return None };
        let mut args: Vec<Value> = values.collect();
        let transaction = args.first().and_then(Value::as_f64).unwrap_or(0.0);
        if !args.is_empty() {
            args.remove(0);
        }
        Some(Self { name, transaction, args })
    }

    /// The command object.
    pub(crate) fn object(&self) -> Option<&Value> {
        self.args.first()
    }

    /// The value at `index` after the command object.
    pub(crate) fn arg(&self, index: usize) -> Option<&Value> {
        self.args.get(index + 1)
    }

    pub(crate) fn text(&self, index: usize) -> Option<&str> {
        self.arg(index).and_then(Value::as_str)
    }

    pub(crate) fn number(&self, index: usize) -> Option<f64> {
        self.arg(index).and_then(Value::as_f64)
    }
}

/// Renders a command body in AMF0.
pub(crate) fn encode(name: &str, transaction: f64, values: &[Value]) -> Vec<u8> {
    let mut body = Vec::with_capacity(128);
    Value::from(name).encode(&mut body);
    Value::from(transaction).encode(&mut body);
    for value in values {
        value.encode(&mut body);
    }
    body
}

/// Level of a status object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    /// All is well.
    Status,
    /// The request failed.
    Error,
}

impl Level {
    const fn text(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Error => "error",
        }
    }
}

/// A status object: level, code, description.
pub(crate) fn status(level: Level, code: &str, description: &str) -> Value {
    Value::object([("level", level.text().into()), ("code", code.into()), ("description", description.into())])
}

/// An `onStatus` command body (RTMP 1.0 §7.2.2, E-RTMP "onStatus Command for NetConnection").
pub(crate) fn on_status(info: Value) -> Vec<u8> {
    encode("onStatus", 0.0, &[Value::Null, info])
}

/// A stream id out of a number that a peer sent. `None` if it is none.
pub(crate) fn stream_id(number: f64) -> Option<u32> {
    (number.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&number)).then_some(number as u32)
}

#[cfg(test)]
mod tests;
