//! Text that no two runs share.

#![allow(unreachable_pub, reason = "a module of several benches, and of the package of peers")]

/// So many bytes of words, and up to one word more.
pub fn text(bytes: usize) -> String {
    let words = ["why", "does", "a", "cat", "purr", "when", "it", "is", "tired", "of", "rain"];
    let mut text = String::with_capacity(bytes + 8);
    let mut seed = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().subsec_nanos();
    while text.len() < bytes {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        text.push_str(words[(seed >> 16) as usize % words.len()]);
        text.push(' ');
    }
    text
}
