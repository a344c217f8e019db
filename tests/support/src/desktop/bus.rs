//! The session bus, spoken to through `busctl`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::process::{self, Exit};
use crate::wait::{SOON, wait_for};

/// A session bus.
#[derive(Clone, Debug)]
pub struct Bus {
    env: BTreeMap<String, String>,
    folder: PathBuf,
}

impl Bus {
    pub(super) fn new(env: BTreeMap<String, String>, folder: &Path) -> Self {
        Self {
            env,
            folder: folder.to_owned(),
        }
    }

    /// Returns the bus's address.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.env["DBUS_SESSION_BUS_ADDRESS"]
    }

    /// Tells whether somebody owns a name.
    #[must_use]
    pub fn has_name(&self, name: &str) -> bool {
        let answer = self.ask(
            "org.freedesktop.DBus",
            "/org/freedesktop/DBus",
            "org.freedesktop.DBus",
            "NameHasOwner",
            &["s", name],
        );
        answer["data"][0] == true
    }

    /// Waits until somebody owns a name.
    #[track_caller]
    pub fn wait_for_name(&self, name: &str) {
        wait_for(SOON, &format!("`{name}` is on the bus"), || {
            self.has_name(name).then_some(())
        });
    }

    /// Calls a method for what it does.
    #[track_caller]
    pub fn tell(&self, service: &str, path: &str, interface: &str, method: &str, args: &[&str]) {
        drop(self.ask(service, path, interface, method, args));
    }

    /// Calls a method and returns its answer.
    #[track_caller]
    #[must_use]
    pub fn ask(
        &self,
        service: &str,
        path: &str,
        interface: &str,
        method: &str,
        args: &[&str],
    ) -> Value {
        self.try_ask(service, path, interface, method, args)
            .unwrap_or_else(|error| panic!("call {interface}.{method} of {service}: {error}"))
    }

    /// Calls a method; an error is what the bus said.
    pub fn try_ask(
        &self,
        service: &str,
        path: &str,
        interface: &str,
        method: &str,
        args: &[&str],
    ) -> Result<Value, String> {
        let mut all = vec!["call", "--", service, path, interface, method];
        all.extend(args);
        self.busctl(&all)
    }

    /// Reads a property.
    pub fn property(
        &self,
        service: &str,
        path: &str,
        interface: &str,
        name: &str,
    ) -> Result<Value, String> {
        let answer = self.busctl(&["get-property", "--", service, path, interface, name])?;
        Ok(answer["data"].clone())
    }

    fn busctl(&self, args: &[&str]) -> Result<Value, String> {
        let address = format!("--address={}", self.address());
        let mut all = vec![address.as_str(), "--json=short", "--timeout=10"];
        all.extend(args);
        let said = process::run("busctl".as_ref(), &all, &self.env, &self.folder);
        if said.exit != Exit::Code(0) {
            return Err(said.stderr.trim().to_owned());
        }
        if said.stdout.trim().is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_str(&said.stdout).map_err(|error| format!("{error}: {}", said.stdout))
    }
}
