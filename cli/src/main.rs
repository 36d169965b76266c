//! The runtree command.

fn main() {}
