//! Pages of Markdown: headings, tables and quoted text that cannot break them.

use mission_control_core::text::one_line;
use serde_json::{Map, Value};

/// Longest text in a table, in characters.
const CELL_CHARS: usize = 300;

/// The header of a table with a fact in each row.
const FACTS: &[&str] = &["Fact", "Value"];

/// A page that is being written.
pub(super) struct Page(String);

impl Page {
    pub(super) fn new(title: &str) -> Self {
        Self(format!("# {}\n", one_line(title, CELL_CHARS)))
    }

    /// Returns `object` as a page: values as a table, texts, objects and lists below headings.
    pub(super) fn of(title: &str, object: &Map<String, Value>) -> Self {
        let mut page = Self::new(title);
        page.object(object);
        page
    }

    pub(super) fn heading(&mut self, heading: &str) {
        self.0
            .push_str(&format!("\n## {}\n", one_line(heading, CELL_CHARS)));
    }

    /// Adds text as it is: a message that is Markdown itself.
    pub(super) fn text(&mut self, text: &str) {
        self.0.push_str(&format!("\n{}\n", text.trim_end()));
    }

    /// Adds text that is shown letter by letter.
    pub(super) fn quoted(&mut self, text: &str) {
        let longest = text
            .split(|c| c != '`')
            .map(str::len)
            .max()
            .unwrap_or_default();
        let fence = "`".repeat(3.max(longest + 1));
        self.0
            .push_str(&format!("\n{fence}text\n{}\n{fence}\n", text.trim_end()));
    }

    /// Adds what is known, one row each.
    pub(super) fn facts(&mut self, facts: &[(&str, Option<String>)]) {
        let rows: Vec<Vec<String>> = facts
            .iter()
            .filter_map(|(name, fact)| Some(vec![(*name).to_owned(), fact.clone()?]))
            .collect();
        self.table(FACTS, &rows);
    }

    /// Adds a table; nothing if it has no rows.
    pub(super) fn table(&mut self, header: &[&str], rows: &[Vec<String>]) {
        if rows.is_empty() {
            return;
        }
        let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
        self.0.push('\n');
        self.0.push_str(&line(
            header.iter().map(|name| (*name).to_owned()).collect(),
        ));
        self.0
            .push_str(&format!("|{}\n", " --- |".repeat(header.len())));
        for row in rows {
            let cells = row.iter().map(|cell| escaped(cell)).collect();
            self.0.push_str(&line(cells));
        }
    }

    pub(super) fn finish(self) -> String {
        self.0
    }

    fn object(&mut self, object: &Map<String, Value>) {
        let rows: Vec<Vec<String>> = object
            .iter()
            .filter(|(_, value)| !is_long(value))
            .filter_map(|(name, value)| Some(vec![label(name), plain(value)?]))
            .collect();
        self.table(FACTS, &rows);
        for (name, value) in object.iter().filter(|(_, value)| is_long(value)) {
            match value {
                Value::Object(inner) if !inner.is_empty() => {
                    self.heading(&label(name));
                    self.object(inner);
                }
                Value::Array(items) if !items.is_empty() => {
                    self.heading(&label(name));
                    self.list(items);
                }
                Value::String(text) => {
                    self.heading(&label(name));
                    self.text(text);
                }
                Value::Null
                | Value::Bool(_)
                | Value::Number(_)
                | Value::Array(_)
                | Value::Object(_) => {}
            }
        }
    }

    /// Adds objects as a table of their plain values, and anything else as a list.
    fn list(&mut self, items: &[Value]) {
        let objects: Option<Vec<&Map<String, Value>>> =
            items.iter().map(Value::as_object).collect();
        let Some(objects) = objects else {
            self.0.push('\n');
            for item in items {
                let item = plain(item).unwrap_or_else(|| item.to_string());
                self.0
                    .push_str(&format!("- {}\n", one_line(&item, CELL_CHARS)));
            }
            return;
        };
        let mut names: Vec<&str> = Vec::new();
        for (name, value) in objects.iter().flat_map(|object| object.iter()) {
            if plain(value).is_some() && !names.contains(&name.as_str()) {
                names.push(name);
            }
        }
        let header: Vec<String> = names.iter().map(|name| label(name)).collect();
        let header: Vec<&str> = header.iter().map(String::as_str).collect();
        let rows: Vec<Vec<String>> = objects
            .iter()
            .map(|object| {
                let cell = |name: &&str| object.get(*name).and_then(plain);
                names
                    .iter()
                    .map(|name| cell(name).unwrap_or_default())
                    .collect()
            })
            .collect();
        self.table(&header, &rows);
    }
}

/// Returns a value that fits into a table as text.
fn plain(value: &Value) -> Option<String> {
    match value {
        Value::Bool(true) => Some("yes".to_owned()),
        Value::Bool(false) => Some("no".to_owned()),
        Value::Number(number) => Some(number.to_string()),
        Value::String(text) => Some(text.clone()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn is_long(value: &Value) -> bool {
    match value {
        Value::Array(_) | Value::Object(_) => true,
        Value::String(text) => text.contains('\n') || text.chars().count() > CELL_CHARS,
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// Returns `task_id` as `Task id`.
fn label(name: &str) -> String {
    let words = name.replace('_', " ");
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

fn escaped(cell: &str) -> String {
    one_line(cell, CELL_CHARS).replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_become_tables_and_texts_below_headings() {
        let value = json!({
            "task_id": "t",
            "accepted": true,
            "error": null,
            "summary": { "running": 1 },
            "tasks": [{ "task_id": "a|b", "state": "working", "progress": {} }],
            "words": ["x", "y"],
            "queue": [],
            "message": "one\ntwo",
        });

        let page = Page::of("_tool", value.as_object().unwrap()).finish();

        assert_eq!(
            page,
            "# _tool\n\n| Fact | Value |\n| --- | --- |\n| Accepted | yes |\n| Task id | t |\n\
             \n## Message\n\none\ntwo\n\
             \n## Summary\n\n| Fact | Value |\n| --- | --- |\n| Running | 1 |\n\
             \n## Tasks\n\n| State | Task id |\n| --- | --- |\n| working | a\\|b |\n\
             \n## Words\n\n- x\n- y\n"
        );
    }

    #[test]
    fn quoted_text_cannot_end_its_quotation() {
        let mut page = Page::new("x");

        page.quoted("a\n```\nb");

        assert_eq!(
            page.finish(),
            "# x\n\n````text\na\n```\nb\n````\n".to_owned()
        );
    }
}
