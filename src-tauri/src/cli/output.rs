//! Standard output: buffered, coloured where a terminal has it, JSON a line at a time.

use std::io::{IsTerminal as _, Write as _};

use anstream::{AutoStream, ColorChoice};
use anstyle::Style;
use serde::Serialize;

use super::failure::Failure;

/// Width assumed where there is no terminal, in columns.
const DEFAULT_WIDTH: usize = 120;

/// Standard output.
pub(super) struct Output {
    stream: std::io::BufWriter<AutoStream<std::io::Stdout>>,
    is_terminal: bool,
    has_style: bool,
}

impl Output {
    pub(super) fn new() -> Self {
        let stdout = std::io::stdout();
        let is_terminal = stdout.is_terminal();
        let choice = AutoStream::choice(&stdout);
        let has_style = choice != ColorChoice::Never;
        let stream = std::io::BufWriter::new(AutoStream::new(stdout, choice));
        Self {
            stream,
            is_terminal,
            has_style,
        }
    }

    pub(super) const fn is_terminal(&self) -> bool {
        self.is_terminal
    }

    /// Returns the terminal's width in columns.
    pub(super) fn width(&self) -> usize {
        if !self.is_terminal {
            return DEFAULT_WIDTH;
        }
        mission_control_engine::terminal::width().unwrap_or(DEFAULT_WIDTH)
    }

    /// Returns the terminal's height in rows.
    pub(super) fn height(&self) -> Option<usize> {
        if self.is_terminal {
            mission_control_engine::terminal::height()
        } else {
            None
        }
    }

    pub(super) fn text(&mut self, text: &str) -> Result<(), Failure> {
        Ok(self.stream.write_all(text.as_bytes())?)
    }

    pub(super) fn line(&mut self, text: &str) -> Result<(), Failure> {
        self.text(text)?;
        self.text("\n")
    }

    /// Writes one value as one line of JSON and lets the reader have it at once.
    pub(super) fn json_line<T: Serialize>(&mut self, value: &T) -> Result<(), Failure> {
        let json = serde_json::to_string(value).map_err(|error| Failure::of(&error))?;
        self.line(&json)?;
        self.flush()
    }

    /// Writes one value as an indented JSON document.
    pub(super) fn json_document<T: Serialize>(&mut self, value: &T) -> Result<(), Failure> {
        let json = serde_json::to_string_pretty(value).map_err(|error| Failure::of(&error))?;
        self.line(&json)
    }

    /// Draws lines over what a terminal shows. Moving the cursor is not a matter of colour, so
    /// these sequences are written even where styles are not wanted.
    pub(super) fn frame(&mut self, lines: &[String]) -> Result<(), Failure> {
        let mut frame = String::from("\u{1b}[H");
        for line in lines {
            if self.has_style {
                frame.push_str(line);
            } else {
                frame.push_str(&anstream::adapter::strip_str(line).to_string());
            }
            frame.push_str("\u{1b}[K\n");
        }
        frame.push_str("\u{1b}[J");
        self.flush()?;
        let mut stdout = std::io::stdout().lock();
        stdout.write_all(frame.as_bytes())?;
        Ok(stdout.flush()?)
    }

    pub(super) fn flush(&mut self) -> Result<(), Failure> {
        Ok(self.stream.flush()?)
    }
}

/// Wraps `text` in a style.
pub(super) fn styled(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}
