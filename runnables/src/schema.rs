//! Placeholder.
use runtree_core::shape::{Parts, Shape};
pub(crate) fn sequence(own: Shape, steps: Vec<Shape>) -> Shape { own.parts(Parts::Sequence(steps)) }
pub(crate) fn parallel(own: Shape, branches: Vec<(String, Shape)>) -> Shape { own.parts(Parts::Parallel(branches)) }
