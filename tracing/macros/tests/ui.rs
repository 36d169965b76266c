//! What the compiler says of types that cannot be payloads as they are.

#[test]
fn errors_name_the_problem_in_the_users_terms() {
    trybuild::TestCases::new().compile_fail("tests/ui/fail_*.rs");
}
