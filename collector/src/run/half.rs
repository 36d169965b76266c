//! One half of a run: what its creates said, or what its updates said.

use bytes::Bytes;

use super::{Field, Kind};

/// How much a value counts against another of the same field. The greater one stays.
///
/// An update counts by the end it tells of, as a writer that ends a run a second time says a later end. A create counts
/// by when it came, the first one most. What remains equal is decided by the text, so that the order in which two
/// operations arrive never matters. Above all, what says something counts more than what is empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rank(pub i64);

/// A value and how much it counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// How much it counts.
    pub rank: Rank,
    /// The value, as JSON text.
    pub json: Bytes,
}

impl Entry {
    fn beats(&self, other: &Self) -> bool {
        (self.says(), self.rank, &self.json) > (other.says(), other.rank, &other.json)
    }

    /// Whether it says anything. Empty objects, lists and texts do not: SDKs send them where they know nothing.
    pub(super) fn says(&self) -> bool {
        !matches!(self.json.trim_ascii(), b"{}" | b"[]" | b"\"\"")
    }
}

/// What is told of a run by operations of one kind: a few fields, in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Half(Vec<(Field, Entry)>);

impl Half {
    /// Whether nothing is told.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What is told of a field, as JSON text.
    pub fn get(&self, field: Field) -> Option<&[u8]> {
        self.entry(field).map(|entry| &entry.json[..])
    }

    /// What is told of a field, if it says anything.
    pub(super) fn says(&self, field: Field) -> Option<&[u8]> {
        self.entry(field).filter(|entry| entry.says()).map(|entry| &entry.json[..])
    }

    /// What is told, field by field.
    pub fn iter(&self) -> impl Iterator<Item = (Field, &Entry)> {
        self.0.iter().map(|(field, entry)| (*field, entry))
    }

    /// Where a field is, or where it belongs.
    fn at(&self, field: Field) -> Result<usize, usize> {
        // What is put in comes in order, mostly.
        match self.0.last() {
            Some((last, _)) if *last < field => Err(self.0.len()),
            _ => self.0.binary_search_by_key(&field, |(field, _)| *field),
        }
    }

    fn entry(&self, field: Field) -> Option<&Entry> {
        self.at(field).ok().map(|at| &self.0[at].1)
    }

    fn put(&mut self, field: Field, entry: Entry) {
        match self.at(field) {
            Ok(at) => self.0[at].1 = entry,
            Err(at) => self.0.insert(at, (field, entry)),
        }
    }

    /// Bytes of all values.
    pub fn size(&self) -> usize {
        self.0.iter().map(|(_, entry)| entry.json.len()).sum()
    }

    pub(super) fn tell(&mut self, field: Field, json: Bytes) {
        if json.trim_ascii() != b"null" {
            self.put(field, Entry { rank: Rank::default(), json });
        }
    }

    /// Ranks what one operation tells, that came at `now`: microseconds since 1970.
    pub(crate) fn ranked(mut self, kind: Kind, now: i64) -> Self {
        let rank = match kind {
            Kind::Create => Rank(-now),
            Kind::Update => Rank(self.number(Field::End).unwrap_or(0)),
        };
        self.0.iter_mut().for_each(|(_, entry)| entry.rank = rank);
        self
    }

    /// Takes in what another operation, or another copy of this half, tells. Answers whether that changed anything.
    pub fn join(&mut self, other: Self) -> bool {
        if self.is_empty() {
            *self = other;
            return !self.is_empty();
        }
        let mut changed = false;
        for (field, entry) in other.0 {
            if self.entry(field).is_none_or(|known| entry.beats(known)) {
                self.put(field, entry);
                changed = true;
            }
        }
        changed
    }

    /// A field that is a whole number.
    pub(crate) fn number(&self, field: Field) -> Option<i64> {
        serde_json::from_slice(self.get(field)?).ok()
    }

    /// As it is stored: for each field its number, its rank, the length of its value, and the value.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.size() + 13 * self.0.len());
        for (field, entry) in self.iter() {
            bytes.push(field as u8);
            bytes.extend_from_slice(&entry.rank.0.to_le_bytes());
            bytes.extend_from_slice(&u32::try_from(entry.json.len()).unwrap_or(u32::MAX).to_le_bytes());
            bytes.extend_from_slice(&entry.json);
        }
        bytes
    }

    /// As it was stored. `None` if that is no half of a run. Fields of later versions are left out.
    pub fn from_bytes(mut bytes: Bytes) -> Option<Self> {
        let mut half = Self::default();
        while !bytes.is_empty() {
            let (head, _) = bytes.split_first_chunk::<13>()?;
            let field = Field::numbered(head[0]);
            let rank = Rank(i64::from_le_bytes(head[1..9].try_into().ok()?));
            let length = u32::from_le_bytes(head[9..].try_into().ok()?) as usize;
            if bytes.len() - 13 < length {
                return None;
            }
            let _ = bytes.split_to(13);
            let json = bytes.split_to(length);
            if let Some(field) = field {
                half.put(field, Entry { rank, json });
            }
        }
        Some(half)
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::{btree_map, vec};
    use proptest::prelude::*;

    use super::*;

    fn half() -> impl Strategy<Value = Half> {
        let entry =
            (-2..3i64, 0..4u8).prop_map(|(rank, value)| Entry { rank: Rank(rank), json: value.to_string().into() });
        let field = (0..Field::ALL.len()).prop_map(|at| Field::ALL[at]);
        btree_map(field, entry, 0..5).prop_map(|fields| Half(fields.into_iter().collect()))
    }

    fn joined(halves: impl IntoIterator<Item = Half>) -> Half {
        halves.into_iter().fold(Half::default(), |mut all, half| {
            all.join(half);
            all
        })
    }

    proptest! {
        #[test]
        fn joining_is_commutative_associative_and_idempotent(a in half(), b in half(), c in half()) {
            prop_assert_eq!(joined([a.clone(), b.clone()]), joined([b.clone(), a.clone()]));
            prop_assert_eq!(joined([a.clone(), a.clone()]), a.clone());
            let mut both = a.clone();
            prop_assert_eq!(both.join(b.clone()), both != a);
            let left = joined([joined([a.clone(), b.clone()]), c.clone()]);
            prop_assert_eq!(left, joined([a, joined([b, c])]));
        }

        #[test]
        fn any_order_and_any_repetition_give_the_same(
            (once, shuffled) in vec(half(), 1..6).prop_flat_map(|halves| {
                let twice: Vec<Half> = halves.iter().chain(&halves).cloned().collect();
                (Just(halves), Just(twice).prop_shuffle())
            })
        ) {
            prop_assert_eq!(joined(once), joined(shuffled));
        }

        #[test]
        fn what_is_stored_is_read_back(half in half()) {
            prop_assert_eq!(Half::from_bytes(half.to_bytes().into()), Some(half));
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in vec(any::<u8>(), 0..80)) {
            let _ = Half::from_bytes(bytes.into());
        }
    }
}
