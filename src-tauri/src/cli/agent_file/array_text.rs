//! The text of a JSON array, to which an item is added or from which one is taken, and every other
//! byte stays.

use std::ops::Range;

use serde_json::value::RawValue;

/// A JSON array as somebody wrote it down.
pub(in crate::cli) struct ArrayText<'a> {
    text: &'a str,
    /// Where each item stands in the text.
    places: Vec<Range<usize>>,
}

impl<'a> ArrayText<'a> {
    /// # Errors
    /// When the text is not one JSON array.
    pub(in crate::cli) fn parse(text: &'a str) -> Result<Self, serde_json::Error> {
        let raw: Vec<&RawValue> = serde_json::from_str(text)?;
        let place = |item: &&RawValue| {
            let start = item.get().as_ptr().addr() - text.as_ptr().addr();
            start..start + item.get().len()
        };
        Ok(Self {
            text,
            places: raw.iter().map(place).collect(),
        })
    }

    /// Returns the texts of the items.
    pub(in crate::cli) fn items(&self) -> impl Iterator<Item = &'a str> {
        let text = self.text;
        self.places
            .iter()
            .filter_map(move |place| text.get(place.clone()))
    }

    /// Returns the text with an item at its end.
    #[must_use]
    pub(in crate::cli) fn with(&self, item: &str) -> String {
        let mut text = self.text.to_owned();
        match self.places.last() {
            Some(last) => {
                let space = self.space_before_last();
                text.insert_str(last.end, &format!(",{space}{item}"));
            }
            None => text.insert_str(self.opening(), item),
        }
        text
    }

    /// Returns the text without the item at `at`.
    #[must_use]
    pub(in crate::cli) fn without(&self, at: usize) -> String {
        let mut text = self.text.to_owned();
        let Some(place) = self.places.get(at) else {
            return text;
        };
        let before = at.checked_sub(1).and_then(|before| self.places.get(before));
        let taken = match (before, self.places.get(at + 1)) {
            (Some(before), _) => before.end..place.end,
            (None, Some(next)) => place.start..next.start,
            (None, None) => place.clone(),
        };
        text.replace_range(taken, "");
        text
    }

    fn opening(&self) -> usize {
        self.text.find('[').map_or(0, |at| at + 1)
    }

    /// Returns the white space in front of the last item.
    fn space_before_last(&self) -> &'a str {
        let before = self
            .places
            .last()
            .and_then(|last| self.text.get(..last.start));
        let before = before.unwrap_or_default();
        before.get(before.trim_end().len()..).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_there_and_back(text: &str, expected: &str) {
        let array = ArrayText::parse(text).unwrap();
        let with = array.with("{\"n\": 1}");

        assert_eq!(with, expected);
        let longer = ArrayText::parse(&with).unwrap();
        assert_eq!(longer.items().last(), Some("{\"n\": 1}"));
        assert_eq!(longer.without(longer.items().count() - 1), text);
    }

    #[test]
    fn an_item_that_is_added_looks_like_the_others_and_leaves_no_trace() {
        check_there_and_back("[]", "[{\"n\": 1}]");
        check_there_and_back("[ ]", "[{\"n\": 1} ]");
        check_there_and_back("[1,2]", "[1,2,{\"n\": 1}]");
        check_there_and_back(
            "[\n  [1, \"],\"],\n  {}\n]",
            "[\n  [1, \"],\"],\n  {},\n  {\"n\": 1}\n]",
        );
        check_there_and_back(
            "[\r\n\t\"\u{e4}\"\r\n]",
            "[\r\n\t\"\u{e4}\",\r\n\t{\"n\": 1}\r\n]",
        );
    }

    #[test]
    fn an_item_is_taken_from_everywhere() {
        for (at, expected) in [
            (0, "[ 2 , 3 ]"),
            (1, "[ 1 , 3 ]"),
            (2, "[ 1 , 2 ]"),
            (3, "[ 1 , 2 , 3 ]"),
        ] {
            assert_eq!(
                ArrayText::parse("[ 1 , 2 , 3 ]").unwrap().without(at),
                expected
            );
        }
    }

    #[test]
    fn what_is_no_array_is_refused() {
        for text in ["", "{}", "[1,]", "[] []"] {
            assert!(ArrayText::parse(text).is_err(), "{text}");
        }
    }
}
