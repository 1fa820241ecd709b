//! AMF version 0 (Adobe, "AMF 0 File Format Specification").
//!
//! A value is a marker byte and its body:
//! `00` number (f64), `01` boolean, `02` string (u16 length), `03` object (pairs of u16-length key and value, ended by
//! `00 00 09`), `05` null, `06` undefined, `07` reference (u16), `08` ECMA array (u32 hint, then as an object),
//! `0A` strict array (u32 count), `0B` date (f64, s16), `0C` long string (u32 length), `0D` unsupported, `0F` XML
//! (u32 length), `10` typed object (u16-length class name, then as an object), `11` one AMF3 value.
//!
//! Deviation: a reference (`07`) decodes to [`Value::Undefined`]: resolving it lets a few bytes stand for megabytes.

use super::reader::Reader;
pub use super::{AmfError, Limits, Value};

const NUMBER: u8 = 0x00;
const BOOLEAN: u8 = 0x01;
const STRING: u8 = 0x02;
const OBJECT: u8 = 0x03;
const NULL: u8 = 0x05;
const UNDEFINED: u8 = 0x06;
const REFERENCE: u8 = 0x07;
const ECMA_ARRAY: u8 = 0x08;
const OBJECT_END: [u8; 3] = [0, 0, 0x09];
const STRICT_ARRAY: u8 = 0x0A;
const DATE: u8 = 0x0B;
const LONG_STRING: u8 = 0x0C;
const UNSUPPORTED: u8 = 0x0D;
const XML_DOCUMENT: u8 = 0x0F;
const TYPED_OBJECT: u8 = 0x10;
const AVMPLUS: u8 = 0x11;

/// Every value of `bytes`, which must end with a value's end.
///
/// # Errors
/// [`AmfError`] if the bytes are cut off, malformed, or exceed `limits`.
pub fn decode_all(bytes: &[u8], limits: &Limits) -> Result<Vec<Value>, AmfError> {
    let mut reader = Reader::new(bytes, limits);
    let mut values = Vec::new();
    while !reader.is_empty() {
        values.push(value(&mut reader, 0)?);
    }
    Ok(values)
}

/// The first value of `bytes` and how many bytes it took, under [`Limits::DEFAULT`].
///
/// # Errors
/// As [`decode_all`].
pub fn decode_one(bytes: &[u8]) -> Result<(Value, usize), AmfError> {
    let mut reader = Reader::new(bytes, &Limits::DEFAULT);
    let value = value(&mut reader, 0)?;
    Ok((value, reader.at()))
}

fn value(reader: &mut Reader<'_>, depth: usize) -> Result<Value, AmfError> {
    reader.enter(depth)?;
    let at = reader.at();
    Ok(match reader.u8()? {
        NUMBER => Value::Number(reader.f64()?),
        BOOLEAN => Value::Boolean(reader.u8()? != 0),
        STRING => Value::String(short_text(reader)?),
        OBJECT => Value::Object(properties(reader, depth)?),
        NULL => Value::Null,
        UNDEFINED | UNSUPPORTED => Value::Undefined,
        REFERENCE => {
            reader.u16()?;
            Value::Undefined
        }
        ECMA_ARRAY => {
            reader.u32()?; // a hint that many encoders get wrong: the end marker decides
            Value::EcmaArray(properties(reader, depth)?)
        }
        STRICT_ARRAY => {
            let count = reader.u32()?;
            let count = reader.count(count, 1)?;
            let mut items = Vec::with_capacity(count.min(Limits::PREALLOCATED_MAX));
            for _ in 0..count {
                items.push(value(reader, depth + 1)?);
            }
            Value::StrictArray(items)
        }
        DATE => {
            let millis = reader.f64()?;
            reader.u16()?;
            Value::Date { millis }
        }
        LONG_STRING => Value::String(long_text(reader)?),
        XML_DOCUMENT => Value::XmlDocument(long_text(reader)?),
        TYPED_OBJECT => {
            let class = short_text(reader)?;
            Value::TypedObject { class, properties: properties(reader, depth)? }
        }
        AVMPLUS => super::amf3::value_inside_amf0(reader, depth)?,
        marker => return Err(AmfError::Marker { marker, at }),
    })
}

fn short_text(reader: &mut Reader<'_>) -> Result<String, AmfError> {
    let len = reader.u16()?;
    reader.text(usize::from(len))
}

fn long_text(reader: &mut Reader<'_>) -> Result<String, AmfError> {
    let at = reader.at();
    let len = usize::try_from(reader.u32()?).map_err(|_| AmfError::TooLong { at })?;
    reader.text(len)
}

fn properties(reader: &mut Reader<'_>, depth: usize) -> Result<Vec<(String, Value)>, AmfError> {
    let mut properties = Vec::new();
    while !reader.skip_if(&OBJECT_END) {
        let key = short_text(reader)?;
        properties.push((key, value(reader, depth + 1)?));
    }
    Ok(properties)
}

/// Appends `value` in AMF0 form. Text longer than 65,535 bytes takes the long form; a key or class name that long is
/// cut at a character's boundary, as the format has no long form for it.
pub fn encode(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Number(number) => {
            out.push(NUMBER);
            out.extend_from_slice(&number.to_be_bytes());
        }
        Value::Boolean(truth) => out.extend_from_slice(&[BOOLEAN, u8::from(*truth)]),
        Value::String(text) => match u16::try_from(text.len()) {
            Ok(len) => {
                out.push(STRING);
                out.extend_from_slice(&len.to_be_bytes());
                out.extend_from_slice(text.as_bytes());
            }
            Err(_) => encode_long(LONG_STRING, text, out),
        },
        Value::Object(properties) => {
            out.push(OBJECT);
            encode_properties(properties, out);
        }
        Value::EcmaArray(properties) => {
            out.push(ECMA_ARRAY);
            out.extend_from_slice(&u32::try_from(properties.len()).unwrap_or(u32::MAX).to_be_bytes());
            encode_properties(properties, out);
        }
        Value::StrictArray(items) => {
            out.push(STRICT_ARRAY);
            out.extend_from_slice(&u32::try_from(items.len()).unwrap_or(u32::MAX).to_be_bytes());
            for item in items {
                encode(item, out);
            }
        }
        Value::Null => out.push(NULL),
        Value::Undefined => out.push(UNDEFINED),
        Value::Date { millis } => {
            out.push(DATE);
            out.extend_from_slice(&millis.to_be_bytes());
            out.extend_from_slice(&[0, 0]);
        }
        Value::XmlDocument(text) => encode_long(XML_DOCUMENT, text, out),
        Value::TypedObject { class, properties } => {
            out.push(TYPED_OBJECT);
            encode_key(class, out);
            encode_properties(properties, out);
        }
    }
}

fn encode_long(marker: u8, text: &str, out: &mut Vec<u8>) {
    let text = cut(text, u32::MAX as usize);
    out.push(marker);
    out.extend_from_slice(&(text.len() as u32).to_be_bytes());
    out.extend_from_slice(text.as_bytes());
}

fn encode_key(key: &str, out: &mut Vec<u8>) {
    let key = cut(key, usize::from(u16::MAX));
    out.extend_from_slice(&(key.len() as u16).to_be_bytes());
    out.extend_from_slice(key.as_bytes());
}

/// At most the first `bytes_max` bytes of `text`, whole characters only.
fn cut(text: &str, bytes_max: usize) -> &str {
    let mut end = text.len().min(bytes_max);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

fn encode_properties(properties: &[(String, Value)], out: &mut Vec<u8>) {
    for (key, value) in properties {
        encode_key(key, out);
        encode(value, out);
    }
    out.extend_from_slice(&OBJECT_END);
}

#[cfg(test)]
mod tests;
