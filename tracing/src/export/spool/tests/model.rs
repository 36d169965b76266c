//! P1: a spool does what a queue in memory does, whatever happens to its process.

use std::collections::VecDeque;

use proptest::prelude::*;

use super::super::format::RECORD_MAGIC;
use super::*;

#[derive(Clone, Debug)]
enum Action {
    Append(usize),
    AppendAll(Vec<usize>),
    Read(usize),
    Settle(Vec<prop::sample::Index>),
    Rewind,
    Crash,
    /// Leaves half a record behind.
    CrashAndTear(usize),
}

fn actions() -> impl Strategy<Value = Vec<Action>> {
    let length = || prop_oneof![8 => 0..600usize, 1 => 3000..6000usize];
    let action = prop_oneof![
        6 => length().prop_map(Action::Append),
        3 => proptest::collection::vec(length(), 0..12).prop_map(Action::AppendAll),
        5 => (0..12usize).prop_map(Action::Read),
        5 => proptest::collection::vec(any::<prop::sample::Index>(), 0..12).prop_map(Action::Settle),
        1 => Just(Action::Rewind),
        1 => Just(Action::Crash),
        1 => (1..40usize).prop_map(Action::CrashAndTear),
    ];
    proptest::collection::vec(action, 1..60)
}

/// The spools of all owners so far, the oldest first, and what a queue in memory would hold.
struct Both {
    options: SpoolOptions,
    spools: Vec<Spool>,
    unread: VecDeque<Vec<u8>>,
    in_flight: Vec<(usize, Entry)>,
    count: usize,
}

impl Both {
    fn payload(&mut self, length: usize) -> Vec<u8> {
        self.count += 1;
        let mut payload = self.count.to_le_bytes().to_vec();
        payload.resize(8 + length, self.count as u8);
        payload
    }

    fn run(&mut self, action: Action) {
        match action {
            Action::Append(length) => self.run(Action::AppendAll(vec![length])),
            Action::AppendAll(lengths) => {
                let records: Vec<_> = lengths.into_iter().map(|length| self.payload(length)).collect();
                let borrowed: Vec<&[u8]> = records.iter().map(AsRef::as_ref).collect();
                let results = self.spools.last().unwrap().append_all(&borrowed);
                assert!(results.len() == records.len() && results.iter().all(Result::is_ok));
                self.unread.extend(records);
            }
            Action::Read(most) => {
                for at in 0..self.spools.len() {
                    for entry in self.spools[at].read(most, 2000) {
                        assert_eq!(self.unread.pop_front().as_deref(), Some(&entry.bytes[..]));
                        self.in_flight.push((at, entry));
                    }
                    let (waiting, flying) = (self.spools[at].waiting(), self.in_flight.iter());
                    if flying.filter(|(of, _)| *of == at).count() as u64 != waiting.records {
                        break; // later owners come later
                    }
                }
            }
            Action::Settle(chosen) => {
                for index in chosen {
                    if !self.in_flight.is_empty() {
                        let (at, entry) = self.in_flight.swap_remove(index.index(self.in_flight.len()));
                        self.spools[at].settle(&[entry.place, entry.place]);
                    }
                }
            }
            Action::Rewind => {
                self.spools.iter().for_each(|spool| _ = spool.rewind());
                self.unread_again();
            }
            Action::Crash => self.crash(|_| {}),
            Action::CrashAndTear(cut) => self.crash(|path| {
                // The beginning of a record that was being written, or a length without bytes.
                let mut bytes = fs::read(path).unwrap();
                bytes.extend(if cut < 4 { &RECORD_MAGIC[..cut] } else { &[0; 40][..cut] });
                fs::write(path, bytes).unwrap();
            }),
        }
    }

    fn crash(&mut self, tear: impl FnOnce(&Path)) {
        self.spools.drain(..).for_each(Spool::crash);
        if let Some(path) = files(&self.options.dir, "seg").last() {
            tear(path);
        }
        self.unread_again();
        self.spools = adopt(&self.options);
        self.spools.push(open(&self.options));
    }

    fn unread_again(&mut self) {
        self.in_flight.sort_by_key(|(at, entry)| (*at, entry.place));
        for (_, entry) in self.in_flight.drain(..).rev() {
            self.unread.push_front(entry.bytes.to_vec());
        }
    }

    fn check(&self) {
        let waiting = |count: fn(&Spool) -> u64| self.spools.iter().map(count).sum::<u64>();
        assert_eq!(waiting(|spool| spool.waiting().records) as usize, self.unread.len() + self.in_flight.len());
        let flying = self.in_flight.iter().map(|(_, entry)| entry.bytes.len());
        let bytes: usize = flying.chain(self.unread.iter().map(Vec::len)).sum();
        assert_eq!(waiting(|spool| spool.waiting().bytes) as usize, bytes);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
    #[test]
    fn p1_a_spool_is_a_queue_across_crashes(actions in actions()) {
        let (_folder, options) = folder();
        let spools = vec![open(&options)];
        let (unread, in_flight) = Default::default();
        let mut both = Both { options, spools, unread, in_flight, count: 0 };
        for action in actions {
            both.run(action);
            both.check();
        }
        while !both.unread.is_empty() {
            both.run(Action::Read(12));
        }
        for (at, entry) in both.in_flight.drain(..) {
            both.spools[at].settle(&[entry.place]);
        }
        drop(both.spools);
        // A segment that was torn twice may look damaged, and that is put aside.
        let left = fs::read_dir(&both.options.dir).unwrap().map(|entry| entry.unwrap().file_name());
        prop_assert_eq!(left.filter(|name| name != "dead").count(), 0);
    }
}
