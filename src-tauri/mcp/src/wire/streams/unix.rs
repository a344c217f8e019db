use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _};
use std::os::unix::net::UnixStream;

use rustix::fs::OFlags;
use tokio::net::unix::pipe;

use super::{Input, Output};

/// Lowest number of a private duplicate: beyond the standard streams.
const FIRST_PRIVATE: i32 = 3;

/// What a file is, as far as waiting for it goes.
enum Kind {
    Pipe,
    Socket,
    Other,
}

/// Takes both streams. From here on nothing else in this process, and no child of it, reads the
/// client's messages or writes between ours: descriptors 0 and 1 lead to `/dev/null`.
///
/// # Errors
/// When there is no standard input or output.
pub(crate) fn take() -> io::Result<(Input, Output)> {
    let input = private(rustix::stdio::stdin())?;
    let output = private(rustix::stdio::stdout())?;
    let nowhere = OpenOptions::new()
        .read(true)
        .write(true)
        .open("/dev/null")?;
    rustix::stdio::dup2_stdin(nowhere.as_fd())?;
    rustix::stdio::dup2_stdout(nowhere.as_fd())?;
    Ok((input_of(input)?, output_of(output)?))
}

fn private(stream: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    Ok(rustix::io::fcntl_dupfd_cloexec(stream, FIRST_PRIVATE)?)
}

fn input_of(stream: OwnedFd) -> io::Result<Input> {
    let file = File::from(stream);
    match kind(&file)? {
        Kind::Pipe => match reopened(&file, OpenOptions::new().read(true)) {
            Some(pipe) => Ok(Input::Ready(Box::new(pipe::Receiver::from_file(pipe)?))),
            None => Input::of_file(file),
        },
        Kind::Socket => Ok(Input::Ready(Box::new(socket(file)?))),
        Kind::Other => Input::of_file(file),
    }
}

fn output_of(stream: OwnedFd) -> io::Result<Output> {
    let file = File::from(stream);
    match kind(&file)? {
        Kind::Pipe => match reopened(&file, OpenOptions::new().write(true)) {
            Some(pipe) => Ok(Output::Ready(Box::new(pipe::Sender::from_file(pipe)?))),
            None => Ok(Output::File(file)),
        },
        Kind::Socket => Ok(Output::Ready(Box::new(socket(file)?))),
        Kind::Other => Ok(Output::File(file)),
    }
}

fn kind(file: &File) -> io::Result<Kind> {
    let kind = file.metadata()?.file_type();
    Ok(if kind.is_fifo() {
        Kind::Pipe
    } else if kind.is_socket() {
        Kind::Socket
    } else {
        Kind::Other
    })
}

/// Opens a pipe anew so that it can be non-blocking without being so for whoever shares it. Where
/// the system has no such door, a thread does the waiting.
fn reopened(pipe: &File, options: &mut OpenOptions) -> Option<File> {
    let flags = i32::try_from(OFlags::NONBLOCK.bits()).ok()?;
    let door = format!("/proc/self/fd/{}", pipe.as_raw_fd());
    options.custom_flags(flags).open(door).ok()
}

/// A socket cannot be opened anew; nobody else on this side waits for it.
fn socket(file: File) -> io::Result<tokio::net::UnixStream> {
    let socket = UnixStream::from(OwnedFd::from(file));
    socket.set_nonblocking(true)?;
    tokio::net::UnixStream::from_std(socket)
}
