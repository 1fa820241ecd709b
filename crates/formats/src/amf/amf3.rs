//! AMF version 3, reading only (Adobe, "AMF 3 Specification").
//!
//! A value is a marker byte and its body; lengths and references are U29 (7 bits a byte, 8 in the fourth): the lowest
//! bit tells a length (1) from a reference (0). Strings and class traits sent before are referred to by index.
//!
//! Deviations, all against small messages that decode to large ones: a reference to an object and a byte array decode
//! to [`Value::Undefined`]; text that is referred to is counted against [`Limits::text_bytes_max`] each time; of the
//! externalizable classes only the Flex collections, which wrap one value, are known.

use super::reader::Reader;
pub use super::{AmfError, Limits, Value};

/// Every value of `bytes`, which must end with a value's end.
///
/// # Errors
/// [`AmfError`] if the bytes are cut off, malformed, or exceed `limits`.
pub fn decode_all(bytes: &[u8], limits: &Limits) -> Result<Vec<Value>, AmfError> {
    let mut reader = Reader::new(bytes, limits);
    let mut tables = Tables::default();
    let mut values = Vec::new();
    while !reader.is_empty() {
        values.push(value(&mut reader, &mut tables, 0)?);
    }
    Ok(values)
}

/// The first value of `bytes` and how many bytes it took, under [`Limits::DEFAULT`].
///
/// # Errors
/// As [`decode_all`].
pub fn decode_one(bytes: &[u8]) -> Result<(Value, usize), AmfError> {
    let mut reader = Reader::new(bytes, &Limits::DEFAULT);
    let value = value(&mut reader, &mut Tables::default(), 0)?;
    Ok((value, reader.at()))
}

/// One value after the AMF0 marker `11`. Reference tables start afresh at each switch.
pub(super) fn value_inside_amf0(reader: &mut Reader<'_>, depth: usize) -> Result<Value, AmfError> {
    value(reader, &mut Tables::default(), depth)
}

#[derive(Default)]
struct Tables {
    strings: Vec<String>,
    traits: Vec<Traits>,
}

#[derive(Clone, Default)]
struct Traits {
    class: String,
    members: Vec<String>,
    dynamic: bool,
    externalizable: bool,
}

/// A U29 with its lowest bit taken off.
enum Head {
    /// The bit was 1: a length, count or flags.
    Inline(u32),
    /// The bit was 0: an index of something sent before.
    Reference(u32),
}

fn u29(reader: &mut Reader<'_>) -> Result<u32, AmfError> {
    let mut number = 0u32;
    for _ in 0..3 {
        let byte = reader.u8()?;
        number = number << 7 | u32::from(byte & 0x7F);
        if byte & 0x80 == 0 {
            return Ok(number);
        }
    }
    Ok(number << 8 | u32::from(reader.u8()?))
}

fn head(reader: &mut Reader<'_>) -> Result<Head, AmfError> {
    let number = u29(reader)?;
    Ok(if number & 1 == 1 { Head::Inline(number >> 1) } else { Head::Reference(number >> 1) })
}

fn value(reader: &mut Reader<'_>, tables: &mut Tables, depth: usize) -> Result<Value, AmfError> {
    reader.enter(depth)?;
    let at = reader.at();
    Ok(match reader.u8()? {
        0x00 => Value::Undefined,
        0x01 => Value::Null,
        0x02 => Value::Boolean(false),
        0x03 => Value::Boolean(true),
        0x04 => {
            let number = u29(reader)?;
            // 29 bits, two's complement
            Value::Number(f64::from((number << 3).cast_signed() >> 3))
        }
        0x05 => Value::Number(reader.f64()?),
        0x06 => Value::String(text(reader, tables)?),
        0x07 | 0x0B => match head(reader)? {
            Head::Inline(len) => Value::XmlDocument(reader.text(len as usize)?),
            Head::Reference(_) => Value::Undefined,
        },
        0x08 => match head(reader)? {
            Head::Inline(_) => Value::Date { millis: reader.f64()? },
            Head::Reference(_) => Value::Undefined,
        },
        0x09 => array(reader, tables, depth)?,
        0x0A => object(reader, tables, depth)?,
        0x0C => {
            if let Head::Inline(len) = head(reader)? {
                reader.take(len as usize)?;
            }
            Value::Undefined
        }
        marker @ 0x0D..=0x0F => number_vector(reader, marker)?,
        0x10 => object_vector(reader, tables, depth)?,
        0x11 => dictionary(reader, tables, depth)?,
        marker => return Err(AmfError::Marker { marker, at }),
    })
}

fn text(reader: &mut Reader<'_>, tables: &mut Tables) -> Result<String, AmfError> {
    match head(reader)? {
        Head::Inline(len) => {
            let text = reader.text(len as usize)?;
            if !text.is_empty() {
                tables.strings.push(text.clone());
            }
            Ok(text)
        }
        Head::Reference(index) => {
            let at = reader.at();
            let text = tables.strings.get(index as usize).ok_or(AmfError::Reference { index, at })?.clone();
            reader.spend_text(text.len(), at)?;
            Ok(text)
        }
    }
}

/// Pairs of key and value up to the empty key.
fn pairs(reader: &mut Reader<'_>, tables: &mut Tables, depth: usize) -> Result<Vec<(String, Value)>, AmfError> {
    let mut pairs = Vec::new();
    loop {
        let key = text(reader, tables)?;
        if key.is_empty() {
            return Ok(pairs);
        }
        pairs.push((key, value(reader, tables, depth + 1)?));
    }
}

fn array(reader: &mut Reader<'_>, tables: &mut Tables, depth: usize) -> Result<Value, AmfError> {
    let Head::Inline(count) = head(reader)? else { return Ok(Value::Undefined) };
    let mut associative = pairs(reader, tables, depth)?;
    let count = reader.count(count, 1)?;
    let mut dense = Vec::with_capacity(count.min(Limits::PREALLOCATED_MAX));
    for _ in 0..count {
        dense.push(value(reader, tables, depth + 1)?);
    }
    if associative.is_empty() {
        return Ok(Value::StrictArray(dense));
    }
    associative.extend(dense.into_iter().enumerate().map(|(index, item)| (index.to_string(), item)));
    Ok(Value::EcmaArray(associative))
}

fn object(reader: &mut Reader<'_>, tables: &mut Tables, depth: usize) -> Result<Value, AmfError> {
    let Head::Inline(flags) = head(reader)? else { return Ok(Value::Undefined) };
    let traits = traits(reader, tables, flags)?;
    if traits.externalizable {
        return match traits.class.as_str() {
            "flex.messaging.io.ArrayCollection" | "flex.messaging.io.ObjectProxy" => value(reader, tables, depth + 1),
            _ => Err(AmfError::Externalizable { at: reader.at() }),
        };
    }
    let mut properties = Vec::new();
    for member in traits.members {
        properties.push((member, value(reader, tables, depth + 1)?));
    }
    if traits.dynamic {
        properties.extend(pairs(reader, tables, depth)?);
    }
    Ok(if traits.class.is_empty() {
        Value::Object(properties)
    } else {
        Value::TypedObject { class: traits.class, properties }
    })
}

/// `flags` is the object's U29 without its lowest bit: bit 0 traits inline, 1 externalizable, 2 dynamic, then a count.
fn traits(reader: &mut Reader<'_>, tables: &mut Tables, flags: u32) -> Result<Traits, AmfError> {
    if flags & 1 == 0 {
        let (index, at) = (flags >> 1, reader.at());
        let traits = tables.traits.get(index as usize).ok_or(AmfError::Reference { index, at })?.clone();
        // Each member takes at least a byte of what follows; checked before the copies are kept.
        reader.count(u32::try_from(traits.members.len()).unwrap_or(u32::MAX), 1)?;
        reader.spend_text(traits.class.len() + traits.members.iter().map(String::len).sum::<usize>(), at)?;
        return Ok(traits);
    }
    let count = reader.count(flags >> 3, 1)?;
    let class = text(reader, tables)?;
    let mut members = Vec::with_capacity(count.min(Limits::PREALLOCATED_MAX));
    for _ in 0..count {
        members.push(text(reader, tables)?);
    }
    let traits = Traits { class, members, dynamic: flags & 4 != 0, externalizable: flags & 2 != 0 };
    tables.traits.push(traits.clone());
    Ok(traits)
}

/// Vectors of int (`0D`), uint (`0E`) and double (`0F`).
fn number_vector(reader: &mut Reader<'_>, marker: u8) -> Result<Value, AmfError> {
    let Head::Inline(count) = head(reader)? else { return Ok(Value::Undefined) };
    reader.u8()?; // fixed-length flag
    let count = reader.count(count, if marker == 0x0F { 8 } else { 4 })?;
    let mut items = Vec::with_capacity(count.min(Limits::PREALLOCATED_MAX));
    for _ in 0..count {
        reader.enter(0)?;
        items.push(Value::Number(match marker {
            0x0D => f64::from(reader.u32()?.cast_signed()),
            0x0E => f64::from(reader.u32()?),
            _ => reader.f64()?,
        }));
    }
    Ok(Value::StrictArray(items))
}

fn object_vector(reader: &mut Reader<'_>, tables: &mut Tables, depth: usize) -> Result<Value, AmfError> {
    let Head::Inline(count) = head(reader)? else { return Ok(Value::Undefined) };
    reader.u8()?; // fixed-length flag
    text(reader, tables)?; // class of the items
    let count = reader.count(count, 1)?;
    let mut items = Vec::with_capacity(count.min(Limits::PREALLOCATED_MAX));
    for _ in 0..count {
        items.push(value(reader, tables, depth + 1)?);
    }
    Ok(Value::StrictArray(items))
}

/// Keys may be any value; only pairs whose key is text are kept.
fn dictionary(reader: &mut Reader<'_>, tables: &mut Tables, depth: usize) -> Result<Value, AmfError> {
    let Head::Inline(count) = head(reader)? else { return Ok(Value::Undefined) };
    reader.u8()?; // weak-keys flag
    let count = reader.count(count, 2)?;
    let mut properties = Vec::new();
    for _ in 0..count {
        let key = value(reader, tables, depth + 1)?;
        let item = value(reader, tables, depth + 1)?;
        if let Value::String(key) = key {
            properties.push((key, item));
        }
    }
    Ok(Value::Object(properties))
}

#[cfg(test)]
mod tests;
