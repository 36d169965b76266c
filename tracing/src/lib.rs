//! Doors into the run tree for plain code, and ways out of it.

pub mod handlers;
pub mod propagation;
