//! Which process this is.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use forkguard::Guard;

/// The first process that asked: its number, and what knows whether this one was forked from it.
static FIRST: OnceLock<(Guard, u32)> = OnceLock::new();
/// Whether somebody found out about the first process, or is about to.
static BEGUN: AtomicBool = AtomicBool::new(false);

/// The number of this process, as [`std::process::id`] has it, which asks the system each time.
///
/// Here only forked children ask it. The C library tells of a fork; a process that was made past it, by a bare `clone`, is
/// taken for its parent.
pub fn process_id() -> u32 {
    if let Some((guard, id)) = FIRST.get() {
        return if guard.clone().detected_fork() { std::process::id() } else { *id };
    }
    let id = std::process::id();
    // Nobody waits for whoever came first: in a forked child that thread may not be there.
    if !BEGUN.swap(true, Ordering::Relaxed)
        && let Ok(guard) = Guard::try_new()
    {
        let _: Result<(), _> = FIRST.set((guard, id)); // nobody else does
    }
    id
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_process_that_the_system_knows() {
        for _ in 0..3 {
            assert_eq!(process_id(), std::process::id());
        }
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| assert_eq!(process_id(), std::process::id()));
            }
        });
    }
}
