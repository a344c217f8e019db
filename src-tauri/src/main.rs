//! The front binary.
fn main() {}
