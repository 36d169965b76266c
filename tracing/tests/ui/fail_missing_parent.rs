use runtree_core::Result;
use runtree_tracing::traceable;

#[traceable]
async fn answer(question: String) -> Result<String> {
    Ok(question)
}

fn main() {
    // The function itself stays: one mistake, one error.
    drop(answer("why?".into()));
}
