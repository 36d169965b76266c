//! Ids derived from ids: what a run is called in a second project.
//!
//! A run that is sent to two projects of one server cannot have the same id in both. Its second id is made of its
//! first and the second project's name, so whoever sends a part of the trace finds the same ids without asking.

use uuid::{Uuid, Variant};
use xxhash_rust::xxh3::Xxh3;

/// The id that `id` has in the place that `seed` names: a project's name, as a rule.
///
/// The same for the same arguments, in every process and every LangSmith SDK. Of version 7, with the time of `id` if
/// that is of version 7 as well, so that derived ids sort as the originals do.
///
/// ```
/// use runtree_tracing::langsmith::derived_id::derive;
/// use uuid::Uuid;
///
/// let id: Uuid = "01a20306-6200-7d6c-9944-b34d2c0333e3".parse()?;
/// assert_eq!(derive(id, "replica-a").to_string(), "01a20306-6200-720b-b55c-35d2eed37a37");
/// # Ok::<(), uuid::Error>(())
/// ```
#[doc(alias = "uuid7_deterministic")]
pub fn derive(id: Uuid, seed: &str) -> Uuid {
    let mut hash = Xxh3::new();
    hash.update(id.hyphenated().encode_lower(&mut Uuid::encode_buffer()).as_bytes());
    hash.update(b":");
    hash.update(seed.as_bytes());
    let hash = hash.digest128().to_be_bytes();

    let mut bytes = [0; 16];
    let time = if is_version_7(id) { &id.as_bytes()[..6] } else { &hash[10..] };
    bytes[..6].copy_from_slice(time);
    bytes[6..].copy_from_slice(&hash[..10]);
    bytes[6] = 0x70 | (bytes[6] & 0x0f);
    bytes[8] = 0x80 | (bytes[8] & 0x3f);
    Uuid::from_bytes(bytes)
}

/// A dotted order with each of its ids [derived](derive()); the times stay. `None` if it is no dotted order.
///
/// ```
/// use runtree_tracing::langsmith::derived_id::derive_dotted_order;
///
/// let root = "20260304T050607000089Z01a20306-6200-7d6c-9944-b34d2c0333e3";
/// assert_eq!(
///     derive_dotted_order(root, "replica-a").as_deref(),
///     Some("20260304T050607000089Z01a20306-6200-720b-b55c-35d2eed37a37"),
/// );
/// assert_eq!(derive_dotted_order("nonsense", "replica-a"), None);
/// ```
pub fn derive_dotted_order(dotted_order: &str, seed: &str) -> Option<String> {
    let mut derived = String::with_capacity(dotted_order.len());
    for segment in dotted_order.split('.') {
        let (time, id) = segment.split_at_checked(segment.len().checked_sub(36)?)?;
        if !time.ends_with('Z') {
            return None;
        }
        let id = derive(Uuid::try_parse(id).ok()?, seed);
        if !derived.is_empty() {
            derived.push('.');
        }
        derived.push_str(time);
        derived.push_str(id.hyphenated().encode_lower(&mut Uuid::encode_buffer()));
    }
    Some(derived)
}

fn is_version_7(id: Uuid) -> bool {
    id.get_version_num() == 7 && id.get_variant() == Variant::RFC4122
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn derived_ids_are_of_version_7_and_differ_by_seed(id: u128, a in ".{0,20}", b in ".{0,20}") {
            let id = Uuid::from_u128(id);
            prop_assert!(is_version_7(derive(id, &a)));
            prop_assert_eq!(derive(id, &a) == derive(id, &b), a == b);
        }

        #[test]
        fn a_derived_dotted_order_names_the_derived_ids_in_the_same_places(ids: Vec<u128>, seed in ".{0,20}") {
            const TIME: &str = "20260304T050607000089Z";
            let dotted = |derived: bool| {
                let ids = ids.iter().map(|id| Uuid::from_u128(*id));
                let ids = ids.map(|id| if derived { derive(id, &seed) } else { id });
                ids.map(|id| format!("{TIME}{id}")).collect::<Vec<_>>().join(".")
            };
            let expected = (!ids.is_empty()).then(|| dotted(true));
            prop_assert_eq!(derive_dotted_order(&dotted(false), &seed), expected);
        }

        #[test]
        fn no_text_makes_it_panic(text in "[0-9TZ.a-fé-]{0,120}|.{0,80}") {
            let _ = derive_dotted_order(&text, "seed");
        }
    }
}
