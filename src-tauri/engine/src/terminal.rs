//! The size of the terminal that standard output goes to.

/// Returns the terminal's width in columns; none if it is not known.
#[must_use]
pub fn width() -> Option<usize> {
    size().map(|(columns, _)| columns)
}

/// Returns the terminal's height in rows; none if it is not known.
#[must_use]
pub fn height() -> Option<usize> {
    size().map(|(_, rows)| rows)
}

#[cfg(unix)]
fn size() -> Option<(usize, usize)> {
    let size = rustix::termios::tcgetwinsize(std::io::stdout()).ok()?;
    (size.ws_col > 0 && size.ws_row > 0).then(|| (size.ws_col.into(), size.ws_row.into()))
}

#[cfg(not(unix))]
fn size() -> Option<(usize, usize)> {
    None
}
