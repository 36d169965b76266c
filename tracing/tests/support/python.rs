//! Tests against programs in Python.

use std::process::{Command, Stdio};

/// The Python that has these modules, if there is one: `tests/run` makes it and names it.
pub(crate) fn python_with(modules: &str) -> Option<String> {
    let named = std::env::var("RUNTREE_PYTHON").ok();
    let python = named.clone().unwrap_or_else(|| "python3".to_owned());
    let can = Command::new(&python).args(["-c", &format!("import {modules}")]).stderr(Stdio::null()).status();
    let can = can.is_ok_and(|status| status.success());
    assert!(can || named.is_none(), "RUNTREE_PYTHON names a Python without `{modules}`");
    if !can {
        eprintln!("skipped: needs a Python with `{modules}`; `tests/run` makes one");
    }
    can.then_some(python)
}
