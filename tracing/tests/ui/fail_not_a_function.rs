use runtree_core::RunnableConfig;
use runtree_tracing::traceable;

#[traceable]
struct Thing;

trait Asks {
    #[traceable]
    fn ask(&self, config: &RunnableConfig);
}

#[traceable]
const fn early(config: &RunnableConfig) {}

fn main() {}
