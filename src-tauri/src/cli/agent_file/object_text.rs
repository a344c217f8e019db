//! The text of a JSON object, of which one member is changed and every other byte stays.

use std::fmt;
use std::ops::Range;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// A JSON object as somebody wrote it down.
pub(in crate::cli) struct ObjectText<'a> {
    text: &'a str,
    members: Vec<Member<'a>>,
}

struct Member<'a> {
    name: String,
    value: &'a str,
    /// Where the value stands in the text.
    place: Range<usize>,
}

impl<'a> ObjectText<'a> {
    /// # Errors
    /// When the text is not one JSON object.
    pub(in crate::cli) fn parse(text: &'a str) -> Result<Self, serde_json::Error> {
        let RawMembers(raw) = serde_json::from_str(text)?;
        let members = raw.into_iter().map(|(name, value)| {
            let value = value.get();
            let start = value.as_ptr().addr() - text.as_ptr().addr();
            Member {
                name,
                value,
                place: start..start + value.len(),
            }
        });
        Ok(Self {
            text,
            members: members.collect(),
        })
    }

    /// Returns the text of a member's value.
    pub(in crate::cli) fn value(&self, name: &str) -> Option<&'a str> {
        Some(self.members.get(self.position(name)?)?.value)
    }

    /// Returns the text with a member's value exchanged, or with the member at its end.
    #[must_use]
    pub(in crate::cli) fn with(&self, name: &str, value: &str) -> String {
        let mut text = self.text.to_owned();
        if let Some(member) = self.position(name).and_then(|at| self.members.get(at)) {
            text.replace_range(member.place.clone(), value);
            return text;
        }
        let name = serde_json::Value::from(name);
        match self.members.len().checked_sub(1) {
            Some(last) => {
                let space = self.space_before(last);
                text.insert_str(self.end_of(last), &format!(",{space}{name}: {value}"));
            }
            None => text.insert_str(self.opening(), &format!("{name}: {value}")),
        }
        text
    }

    /// Returns the text without a member.
    #[must_use]
    pub(in crate::cli) fn without(&self, name: &str) -> String {
        let mut text = self.text.to_owned();
        let Some(at) = self.position(name) else {
            return text;
        };
        let end = self.end_of(at);
        let taken = match at.checked_sub(1) {
            Some(before) => self.end_of(before)..end,
            None if self.members.len() > 1 => self.opening()..self.comma_after(end),
            None => self.opening()..end,
        };
        text.replace_range(taken, "");
        text
    }

    /// The last of several members with one name counts, as it does for the readers of these files.
    fn position(&self, name: &str) -> Option<usize> {
        self.members.iter().rposition(|member| member.name == name)
    }

    fn end_of(&self, at: usize) -> usize {
        self.members.get(at).map_or(0, |member| member.place.end)
    }

    /// Returns where the object's inside begins.
    fn opening(&self) -> usize {
        self.text.find('{').map_or(0, |at| at + 1)
    }

    /// Returns where the text goes on after the comma that follows `end`.
    fn comma_after(&self, end: usize) -> usize {
        let rest = self.text.bytes().skip(end);
        end + rest.take_while(|byte| *byte != b',').count() + 1
    }

    /// Returns the white space in front of a member.
    fn space_before(&self, at: usize) -> String {
        let start = match at.checked_sub(1) {
            Some(before) => self.comma_after(self.end_of(before)),
            None => self.opening(),
        };
        let rest = self.text.bytes().skip(start);
        rest.take_while(u8::is_ascii_whitespace)
            .map(char::from)
            .collect()
    }
}

/// The members of an object in their order.
struct RawMembers<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for RawMembers<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;

        impl<'de> Visitor<'de> for InOrder {
            type Value = RawMembers<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(RawMembers(members))
            }
        }

        deserializer.deserialize_map(InOrder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_value_is_exchanged() {
        check("{\"a\" : 1,\"b\":2}", "{\"a\" : [3],\"b\":2}");
        check(
            "{\n\t\"z\": {\"a\": 5}, \"a\": null\n}\n",
            "{\n\t\"z\": {\"a\": 5}, \"a\": [3]\n}\n",
        );
        check("{\"a\":1,\"a\":2}", "{\"a\":1,\"a\":[3]}");
        check("{\"\\u0061\": 1}", "{\"\\u0061\": [3]}");
        check("{\"ä\": \"€\", \"a\": \"€\"}", "{\"ä\": \"€\", \"a\": [3]}");
    }

    #[test]
    fn a_member_that_is_added_looks_like_the_others_and_leaves_no_trace() {
        check_there_and_back("{}", "{\"a\": [3]}");
        check_there_and_back(" { \n } ", " {\"a\": [3] \n } ");
        check_there_and_back("{\"b\":1}", "{\"b\":1,\"a\": [3]}");
        check_there_and_back("{\n  \"b\": 1\n}\n", "{\n  \"b\": 1,\n  \"a\": [3]\n}\n");
        check_there_and_back(
            "{\r\n\t\"b\": {\"a\": \",\"} ,\r\n\t\"c\": \"}\" \r\n}",
            "{\r\n\t\"b\": {\"a\": \",\"} ,\r\n\t\"c\": \"}\",\r\n\t\"a\": [3] \r\n}",
        );
    }

    #[test]
    fn a_member_is_taken_from_everywhere() {
        for (text, expected) in [
            ("{\n  \"a\": 1,\n  \"b\": 2\n}", "{\n  \"b\": 2\n}"),
            ("{\n  \"b\": 2,\n  \"a\": 1\n}", "{\n  \"b\": 2\n}"),
            ("{\"c\": 3, \"a\": 1 , \"b\": 2}", "{\"c\": 3 , \"b\": 2}"),
            ("{ \"a\": 1 }", "{ }"),
            ("{ \"b\": 1 }", "{ \"b\": 1 }"),
        ] {
            assert_eq!(ObjectText::parse(text).unwrap().without("a"), expected);
        }
    }

    #[test]
    fn what_is_no_object_is_refused() {
        for text in ["", "[]", "null", "{\"a\": 1,}", "{} {}", "// no\n{}"] {
            assert!(ObjectText::parse(text).is_err(), "{text}");
        }
    }

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let object = ObjectText::parse(text).unwrap();

        assert_eq!(object.with("a", "[3]"), expected);
    }

    #[track_caller]
    fn check_there_and_back(text: &str, expected: &str) {
        let with = ObjectText::parse(text).unwrap().with("a", "[3]");

        assert_eq!(with, expected);
        assert_eq!(ObjectText::parse(&with).unwrap().without("a"), text);
    }
}
