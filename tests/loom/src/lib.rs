//! The files themselves, not copies of them, built with loom's atomics.
#![cfg(loom)]
#![allow(dead_code, reason = "only what order matters for is tested here")]

#[path = "../../../tracing/src/export/door.rs"]
mod door;
#[path = "../../../tracing/src/export/wake.rs"]
mod wake;

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use loom::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
    use loom::sync::{Arc, Mutex};
    use loom::thread;

    use super::door::Door;
    use super::wake::Wake;

    /// L2: who closes the door finds in the queue whatever was let in; nothing comes after.
    #[test]
    fn nothing_is_enqueued_after_a_close() {
        loom::model(|| {
            let door = Arc::new(Door::new(100));
            let queue = Arc::new(Mutex::new(VecDeque::new()));
            let admitted = Arc::new(AtomicUsize::new(0));
            let producers: Vec<_> = (0..2)
                .map(|n| {
                    let (door, queue, admitted) = (door.clone(), queue.clone(), admitted.clone());
                    thread::spawn(move || {
                        if let Ok(_passing) = door.admit(10) {
                            queue.lock().unwrap().push_back(n);
                            admitted.fetch_add(1, Ordering::SeqCst);
                        }
                    })
                })
                .collect();
            door.close();
            let seen = queue.lock().unwrap().len();
            producers.into_iter().for_each(|producer| producer.join().unwrap());
            assert_eq!(seen, queue.lock().unwrap().len());
            assert_eq!(seen, admitted.load(Ordering::SeqCst));
        });
    }

    /// The bound holds whoever comes together; what is given back can be taken again.
    #[test]
    fn the_bound_holds() {
        loom::model(|| {
            let door = Arc::new(Door::new(15));
            let inside = Arc::new(AtomicUsize::new(0));
            let producers: Vec<_> = (0..2)
                .map(|_| {
                    let (door, inside) = (door.clone(), inside.clone());
                    thread::spawn(move || {
                        if let Ok(_passing) = door.admit(10) {
                            assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0, "two of 10 are more than 15");
                            inside.fetch_sub(1, Ordering::SeqCst);
                            door.release(10);
                        }
                    })
                })
                .collect();
            producers.into_iter().for_each(|producer| producer.join().unwrap());
            assert_eq!(door.held(), 0);
        });
    }

    /// L4: work that is added is seen by a sender that is about to wait, or the sender is woken.
    #[test]
    fn no_wake_up_is_lost() {
        loom::model(|| {
            let wake = Arc::new(Wake::new());
            let called = Arc::new(AtomicBool::new(false));
            let producer = {
                let (wake, called) = (wake.clone(), called.clone());
                thread::spawn(move || {
                    if wake.add(1) {
                        called.store(true, Ordering::SeqCst);
                    }
                })
            };
            let there_already = wake.await_work(1);
            producer.join().unwrap();
            assert!(there_already || called.load(Ordering::SeqCst));
        });
    }

    /// Two that add together wake a sender that waits for both of theirs.
    #[test]
    fn enough_from_several_wakes_the_sender() {
        loom::model(|| {
            let wake = Arc::new(Wake::new());
            let calls = Arc::new(AtomicUsize::new(0));
            let producers: Vec<_> = (0..2)
                .map(|_| {
                    let (wake, calls) = (wake.clone(), calls.clone());
                    thread::spawn(move || {
                        if wake.add(1) {
                            calls.fetch_add(1, Ordering::SeqCst);
                        }
                    })
                })
                .collect();
            let there_already = wake.await_work(2);
            producers.into_iter().for_each(|producer| producer.join().unwrap());
            let calls = calls.load(Ordering::SeqCst);
            assert!(there_already || calls > 0);
            assert!(calls < 2, "one call is enough");
        });
    }
}
