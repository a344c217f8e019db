//! As much HTTP/1.1 as a scripted server and a test client need.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// A request or a response, read whole.
#[derive(Debug)]
pub struct Message {
    /// The first line.
    pub start: String,
    /// The headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, neither chunked nor compressed any more.
    pub body: Vec<u8>,
}

impl Message {
    /// Returns a header's value.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    /// Reads one message from a connection; `None` when the other side left.
    pub fn read(stream: &TcpStream) -> std::io::Result<Option<Self>> {
        let mut reader = BufReader::new(stream);
        let mut start = String::new();
        if reader.read_line(&mut start)? == 0 {
            return Ok(None);
        }
        let mut headers = Vec::new();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line)?;
            let Some((name, value)) = line.trim_end().split_once(':') else {
                break;
            };
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let mut message = Self {
            start: start.trim_end().to_owned(),
            headers,
            body: Vec::new(),
        };
        message.body = message.read_body(&mut reader)?;
        Ok(Some(message))
    }

    fn read_body(&self, reader: &mut impl BufRead) -> std::io::Result<Vec<u8>> {
        let mut body = Vec::new();
        if self
            .header("transfer-encoding")
            .is_some_and(|value| value.contains("chunked"))
        {
            loop {
                let mut line = String::new();
                reader.read_line(&mut line)?;
                let n_bytes =
                    u64::from_str_radix(line.trim(), 16).map_err(std::io::Error::other)?;
                reader.take(n_bytes).read_to_end(&mut body)?;
                reader.read_line(&mut String::new())?;
                if n_bytes == 0 {
                    break;
                }
            }
        } else if let Some(n_bytes) = self.header("content-length") {
            let n_bytes = n_bytes.parse().map_err(std::io::Error::other)?;
            reader.take(n_bytes).read_to_end(&mut body)?;
        }
        if self.header("content-encoding") == Some("zstd") {
            let mut plain = Vec::new();
            ruzstd::decoding::StreamingDecoder::new(body.as_slice())
                .map_err(std::io::Error::other)?
                .read_to_end(&mut plain)?;
            return Ok(plain);
        }
        Ok(body)
    }
}

/// Sends one request on a connection of its own and returns the answer's status and body.
pub fn request(
    address: SocketAddr,
    method: &str,
    path: &str,
    body: &str,
    limit: Duration,
) -> std::io::Result<(u16, String)> {
    let mut stream = TcpStream::connect_timeout(&address, limit)?;
    stream.set_read_timeout(Some(limit))?;
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )?;
    let Some(answer) = Message::read(&stream)? else {
        return Err(std::io::Error::other("the server closed the connection"));
    };
    let status = answer
        .start
        .split(' ')
        .nth(1)
        .and_then(|code| code.parse().ok());
    let status = status.ok_or_else(|| std::io::Error::other("an answer without a status"))?;
    Ok((status, String::from_utf8_lossy(&answer.body).into_owned()))
}
