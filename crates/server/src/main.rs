//! The `tayang` program.
fn main() {}
