use std::io;
use std::os::windows::io::AsHandle as _;

use super::{Input, Output};

/// Takes both streams; each is driven by a thread of its own.
///
/// # Errors
/// When there is no standard input or output.
pub(crate) fn take() -> io::Result<(Input, Output)> {
    let input = io::stdin().as_handle().try_clone_to_owned()?;
    let output = io::stdout().as_handle().try_clone_to_owned()?;
    Ok((Input::of_file(input.into())?, Output::File(output.into())))
}
