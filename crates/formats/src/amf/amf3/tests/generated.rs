//! A small AMF3 writer, with string and trait references as a real one makes them: what it writes is read back.

use proptest::prelude::*;

use super::*;

#[derive(Default)]
struct Writer {
    out: Vec<u8>,
    strings: Vec<String>,
    traits: Vec<(String, Vec<String>)>,
}

impl Writer {
    fn u29(&mut self, number: u32) {
        match number {
            0..0x80 => self.out.push(number as u8),
            0x80..0x4000 => self.out.extend([(number >> 7) as u8 | 0x80, number as u8 & 0x7F]),
            0x4000..0x20_0000 => {
                self.out.extend([(number >> 14) as u8 | 0x80, (number >> 7) as u8 | 0x80, number as u8 & 0x7F]);
            }
            _ => {
                let head = [(number >> 22) as u8 | 0x80, (number >> 15) as u8 | 0x80, (number >> 8) as u8 | 0x80];
                self.out.extend(head);
                self.out.push(number as u8);
            }
        }
    }

    fn text(&mut self, text: &str) {
        if let Some(index) = self.strings.iter().position(|known| known == text) {
            return self.u29((index as u32) << 1);
        }
        self.u29((text.len() as u32) << 1 | 1);
        self.out.extend_from_slice(text.as_bytes());
        if !text.is_empty() {
            self.strings.push(text.to_owned());
        }
    }

    fn pairs(&mut self, pairs: &[(String, Value)]) {
        for (key, value) in pairs {
            self.text(key);
            self.value(value);
        }
        self.text("");
    }

    fn value(&mut self, value: &Value) {
        match value {
            Value::Undefined => self.out.push(0),
            Value::Null => self.out.push(1),
            Value::Boolean(truth) => self.out.push(2 + u8::from(*truth)),
            Value::Number(number) if number.fract() == 0.0 && number.abs() < 268_435_456.0 => {
                self.out.push(4);
                self.u29(*number as i32 as u32 & 0x1FFF_FFFF);
            }
            Value::Number(number) => {
                self.out.push(5);
                self.out.extend_from_slice(&number.to_be_bytes());
            }
            Value::String(text) => {
                self.out.push(6);
                self.text(text);
            }
            Value::XmlDocument(text) => {
                self.out.push(0x0B);
                self.u29((text.len() as u32) << 1 | 1);
                self.out.extend_from_slice(text.as_bytes());
            }
            Value::Date { millis } => {
                self.out.extend([8, 1]);
                self.out.extend_from_slice(&millis.to_be_bytes());
            }
            Value::StrictArray(items) => {
                self.out.push(9);
                self.u29((items.len() as u32) << 1 | 1);
                self.text("");
                items.iter().for_each(|item| self.value(item));
            }
            Value::EcmaArray(pairs) => {
                self.out.extend([9, 1]);
                self.pairs(pairs);
            }
            Value::Object(pairs) => {
                self.out.extend([0x0A, 0x0B]); // inline, dynamic, no members
                self.text("");
                self.traits.push((String::new(), vec![]));
                self.pairs(pairs);
            }
            Value::TypedObject { class, properties } => self.typed(class, properties),
        }
    }

    fn typed(&mut self, class: &str, properties: &[(String, Value)]) {
        self.out.push(0x0A);
        let members: Vec<String> = properties.iter().map(|(key, _)| key.clone()).collect();
        let traits = (class.to_owned(), members);
        match self.traits.iter().position(|known| *known == traits) {
            Some(index) => self.u29((index as u32) << 2 | 1),
            None => {
                self.u29((properties.len() as u32) << 4 | 3);
                self.text(class);
                traits.1.iter().for_each(|member| self.text(member));
                self.traits.push(traits);
            }
        }
        properties.iter().for_each(|(_, value)| self.value(value));
    }
}

fn arbitrary_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<i32>().prop_map(|n| Value::Number(f64::from(n >> 3))),
        (0.001f64..0.999).prop_map(Value::Number),
        any::<bool>().prop_map(Value::Boolean),
        "[a-c]{0,3}".prop_map(Value::String),
        Just(Value::Null),
        Just(Value::Undefined),
        any::<u32>().prop_map(|n| Value::Date { millis: f64::from(n) }),
        "[a-z]{0,9}".prop_map(Value::XmlDocument),
    ];
    leaf.prop_recursive(5, 64, 5, |inner| {
        let pairs = prop::collection::vec(("[a-c]{1,2}", inner.clone()), 0..5);
        let some_pairs = prop::collection::vec(("[a-c]{1,2}", inner.clone()), 1..5);
        prop_oneof![
            pairs.clone().prop_map(Value::Object),
            some_pairs.prop_map(Value::EcmaArray),
            ("[A-B]", pairs).prop_map(|(class, properties)| Value::TypedObject { class, properties }),
            prop::collection::vec(inner, 0..5).prop_map(Value::StrictArray),
        ]
    })
}

proptest! {
    #[test]
    fn what_a_writer_with_references_writes_is_read_back(values in prop::collection::vec(arbitrary_value(), 0..5)) {
        let mut writer = Writer::default();
        values.iter().for_each(|value| writer.value(value));
        prop_assert_eq!(decode_all(&writer.out, &Limits::DEFAULT), Ok(values));
    }

    #[test]
    fn a_value_inside_amf0_is_read_with_tables_of_its_own(value in arbitrary_value(), other in arbitrary_value()) {
        let mut bytes = Vec::new();
        for value in [&value, &other] {
            let mut writer = Writer::default();
            writer.value(value);
            bytes.push(0x11);
            bytes.extend_from_slice(&writer.out);
        }
        prop_assert_eq!(crate::amf::amf0::decode_all(&bytes, &Limits::DEFAULT), Ok(vec![value, other]));
    }

    #[test]
    fn a_mutated_message_gives_values_or_an_error(
        value in arbitrary_value(), changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)
    ) {
        let mut writer = Writer::default();
        writer.value(&value);
        for (at, byte) in changes {
            let at = at.index(writer.out.len());
            writer.out[at] = byte;
        }
        let _ = decode_all(&writer.out, &Limits::DEFAULT);
    }
}
