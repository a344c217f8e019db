//! Where there are no Unix sockets the control socket is not looked for.

use std::io;

use camino::Utf8Path;
use serde_json::Value;

use super::LiveError;

/// Something the server said.
#[derive(Debug)]
pub(super) enum Heard {
    /// Something happened.
    Notification {
        method: String,
        params: Value,
        at_ms: Option<i64>,
    },
    /// The server asks for something.
    Request {
        id: Value,
        method: String,
        params: Value,
    },
}

/// A conversation.
#[derive(Debug)]
pub(super) struct Wire(std::convert::Infallible);

pub(super) const fn is_there(_home: &Utf8Path) -> bool {
    false
}

pub(super) async fn knock(_home: &Utf8Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

impl Wire {
    pub(super) async fn connect(_home: &Utf8Path) -> Result<Self, LiveError> {
        let unsupported = io::Error::from(io::ErrorKind::Unsupported);
        Err(LiveError::Connect(unsupported))
    }

    pub(super) fn user_agent(&self) -> Option<&str> {
        match self.0 {}
    }

    pub(super) async fn ask(&mut self, _method: &str, _params: Value) -> Result<Value, LiveError> {
        match self.0 {}
    }

    pub(super) async fn ask_all(
        &mut self,
        _method: &str,
        _all: Vec<Value>,
    ) -> Result<Vec<Result<Value, LiveError>>, LiveError> {
        match self.0 {}
    }

    pub(super) async fn reply(&mut self, _id: Value, _result: Value) -> Result<(), LiveError> {
        match self.0 {}
    }

    pub(super) async fn hear(&mut self) -> Result<Heard, LiveError> {
        match self.0 {}
    }

    pub(super) fn put_back(&mut self, _heard: Vec<Heard>) {
        match self.0 {}
    }
}
