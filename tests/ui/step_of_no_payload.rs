//! The same in a runnable of one's own.

use runtree::prelude::*;

struct Question(String);
struct Length;

impl Runnable for Length {
    type Input = Question;
    type Output = usize;
    async fn call(&self, question: Question, _config: &RunnableConfig) -> Result<usize> {
        Ok(question.0.len())
    }
}

fn main() {}
