//! What the compiler says of functions that cannot be traced as they are.

#[test]
fn errors_name_the_problem_in_the_users_terms() {
    let cases = trybuild::TestCases::new();
    cases.pass("tests/ui/pass_*.rs");
    cases.compile_fail("tests/ui/fail_*.rs");
}
