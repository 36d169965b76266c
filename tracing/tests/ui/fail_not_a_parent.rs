use runtree_tracing::traceable;

#[traceable(parent = n)]
fn answer(n: &i64) -> i64 {
    *n
}

fn main() {}
