//! Test results read from the output of commands.
use serde::{Deserialize, Serialize};
/// Results of one command's tests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct TestReport {}
