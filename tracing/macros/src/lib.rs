//! The macros of runtree.
