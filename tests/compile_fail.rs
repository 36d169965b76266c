//! What must not compile, and how the compiler says so. The messages were made with rustc 1.95 and are compared there.

#[rustversion::attr(not(stable(1.95)), ignore = "the messages are those of rustc 1.95")]
#[test]
fn mistakes_are_named_in_the_users_terms() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
