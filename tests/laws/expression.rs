//! Chains as data, so that they can be made up at random, and made smaller when one breaks a law.

use std::sync::Arc;
use std::time::Duration;

use futures::future::ready;
use futures::stream::{self, StreamExt, TryStreamExt};
use proptest::prelude::*;
use runtree::prelude::*;
use runtree::{ConfigurableField, Listeners, Next, Routed, RouterRunnable, RunnableAssign, RunnableChoice};

use crate::support::panic_quietly;

/// A chain from text to text.
pub(crate) type Chain = BoxRunnable<String, String>;

/// A chain as data; [`build`](Self::build) makes it real.
#[derive(Clone, Debug)]
pub(crate) enum Expression {
    Step(Step),
    Sequence(Vec<Expression>),
    /// A map of branches, and what makes text of it: once it is whole, or chunk by chunk.
    Parallel(Vec<Expression>, Join),
    Tuple(Box<[Expression; 2]>),
    Branch {
        when_even: Box<Expression>,
        otherwise: Box<Expression>,
    },
    Each(Box<Expression>),
    Retry(Box<Expression>),
    Fallbacks(Vec<Expression>),
    Assign(Box<Expression>),
    Choice(Option<Box<Expression>>),
    Router(Box<[Expression; 2]>),
    Bound(Box<Expression>, Option<usize>),
    Listened(Box<Expression>),
    Configurable(Box<Expression>),
    Alternatives(Box<[Expression; 2]>),
    Accepting(Box<Expression>),
    /// A function that runs a batch of the chain on the halves of its input.
    Batching(Box<Expression>),
    /// A generator that streams the chain on the whole of its input.
    Streaming(Box<Expression>),
    Referred(Box<Expression>),
}

/// A chain of one run.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    Passthrough,
    Looking,
    Map,
    Function,
    Yield(u8),
    Sleep(u8),
    /// Gives the whole input letter by letter.
    Letters,
    /// Gives each chunk's letters one by one, waiting between them.
    SlowLetters,
    PerChunk,
    /// Fails, always or for inputs with an `a`, before it gave anything.
    Fail,
    FailAtOnce,
    FailOnA,
    FailPerChunkOnA,
    /// Gives a chunk or more, then fails.
    Break(u8),
    Panic,
    PanicLater,
    PanicInStream(u8),
    /// Never ends.
    Hang,
}

/// What makes one text of a map's fields.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Join {
    Whole,
    AsItComes,
}

/// What may go wrong inside a chain.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Faults {
    /// Nothing.
    None,
    /// Steps fail, always with the same error and before their first chunk.
    Clean,
    /// Steps fail in the middle of their streams, panic, or never end.
    Any,
}

/// Any chain with such faults.
pub(crate) fn expression(faults: Faults) -> impl Strategy<Value = Expression> {
    let join = match faults {
        Faults::Any => prop_oneof![Just(Join::Whole), Just(Join::AsItComes)].boxed(),
        _ => Just(Join::Whole).boxed(),
    };
    step(faults).prop_map(Expression::Step).prop_recursive(5, 20, 3, move |inner| {
        let one = || inner.clone().prop_map(Box::new);
        let two = || [inner.clone(), inner.clone()].prop_map(Box::new);
        let some = |most| prop::collection::vec(inner.clone(), 1..=most);
        prop_oneof![
            4 => prop::collection::vec(inner.clone(), 2..5).prop_map(Expression::Sequence),
            3 => (some(3), join.clone()).prop_map(|(branches, join)| Expression::Parallel(branches, join)),
            2 => two().prop_map(Expression::Tuple),
            2 => (one(), one()).prop_map(|(when_even, otherwise)| Expression::Branch { when_even, otherwise }),
            2 => one().prop_map(Expression::Each),
            2 => one().prop_map(Expression::Retry),
            2 => some(3).prop_map(Expression::Fallbacks),
            2 => one().prop_map(Expression::Assign),
            1 => prop::option::of(one()).prop_map(Expression::Choice),
            1 => two().prop_map(Expression::Router),
            2 => (one(), prop::option::of(1_usize..3)).prop_map(|(inner, bound)| Expression::Bound(inner, bound)),
            1 => one().prop_map(Expression::Listened),
            1 => one().prop_map(Expression::Configurable),
            1 => two().prop_map(Expression::Alternatives),
            1 => one().prop_map(Expression::Accepting),
            2 => one().prop_map(Expression::Batching),
            1 => one().prop_map(Expression::Streaming),
            1 => one().prop_map(Expression::Referred),
        ]
    })
}

fn step(faults: Faults) -> impl Strategy<Value = Step> {
    let sound = prop_oneof![
        Just(Step::Passthrough),
        Just(Step::Looking),
        Just(Step::Map),
        Just(Step::Function),
        (0_u8..4).prop_map(Step::Yield),
        (1_u8..4).prop_map(Step::Sleep),
        Just(Step::Letters),
        Just(Step::SlowLetters),
        Just(Step::PerChunk),
    ];
    let clean = prop_oneof![1 => Just(Step::Fail), 1 => Just(Step::FailAtOnce), 2 => Just(Step::FailOnA)];
    let wild = prop_oneof![
        (1_u8..4).prop_map(Step::Break),
        Just(Step::FailPerChunkOnA),
        Just(Step::Panic),
        Just(Step::PanicLater),
        (0_u8..4).prop_map(Step::PanicInStream),
        Just(Step::Hang),
    ];
    match faults {
        Faults::None => sound.boxed(),
        Faults::Clean => prop_oneof![6 => sound, 1 => clean].boxed(),
        Faults::Any => prop_oneof![6 => sound, 1 => clean, 1 => wild].boxed(),
    }
}

/// Any short text.
pub(crate) fn text() -> impl Strategy<Value = String> {
    "[a-d]{1,6}"
}

/// Any way to cut `text` into chunks, of which there is at least one.
pub(crate) fn chunks(text: &str, cuts: &[bool]) -> Vec<String> {
    let mut chunks = vec![String::new()];
    for (letter, cut) in text.chars().zip(cuts.iter().chain(std::iter::repeat(&false))) {
        chunks.last_mut().expect("there is a chunk").push(letter);
        if *cut {
            chunks.push(String::new());
        }
    }
    chunks
}

fn refused() -> Error {
    "refused".into()
}

async fn sleep(millis: u64) {
    tokio::time::sleep(Duration::from_millis(millis)).await;
}

impl Step {
    fn build(self) -> Chain {
        match self {
            Self::Passthrough => RunnablePassthrough::new().boxed(),
            Self::Looking => RunnablePassthrough::looking(|text: &String| assert!(text.len() < 1 << 20)).boxed(),
            Self::Map => RunnableLambda::map("map", |text: String| format!("<{text}>")).boxed(),
            Self::Function => RunnableLambda::new("function", async |text: String, _| Ok(text + "!")).boxed(),
            Self::Yield(times) => RunnableLambda::with("yield", times, async |times, text: String, _| {
                for _ in 0..*times {
                    tokio::task::yield_now().await;
                }
                Ok(text)
            })
            .boxed(),
            Self::Sleep(millis) => RunnableLambda::with("sleep", millis, async |millis, text: String, _| {
                sleep((*millis).into()).await;
                Ok(text)
            })
            .boxed(),
            Self::Letters => RunnableGenerator::of_whole("letters", |text: String, _| letters(&text).boxed()).boxed(),
            Self::SlowLetters => RunnableGenerator::new("slow_letters", slow_letters).boxed(),
            Self::PerChunk => {
                RunnableGenerator::per_chunk("per_chunk", |chunk: String| chunk.replace('b', "bb").to_uppercase())
                    .boxed()
            }
            Self::Fail => RunnableLambda::new("fail", async |_: String, _| {
                sleep(1).await;
                Err::<String, _>(refused())
            })
            .boxed(),
            Self::FailAtOnce => {
                RunnableLambda::sync("fail_at_once", |_: String, _| Err::<String, _>(refused())).boxed()
            }
            Self::FailOnA => RunnableLambda::sync("fail_on_a", |text: String, _| match text.contains('a') {
                true => Err(refused()),
                false => Ok(text),
            })
            .boxed(),
            Self::FailPerChunkOnA => RunnableGenerator::new("fail_per_chunk_on_a", fail_per_chunk_on_a).boxed(),
            Self::Break(after) => breaking("break", after, || Err(refused())),
            Self::Panic => RunnableLambda::map("panic", |_: String| -> String { panic_quietly() }).boxed(),
            Self::PanicLater => RunnableLambda::new("panic_later", async |_: String, _| -> Result<String> {
                sleep(1).await;
                panic_quietly()
            })
            .boxed(),
            Self::PanicInStream(after) => breaking("panic_in_stream", after, || panic_quietly()),
            Self::Hang => RunnableLambda::new("hang", async |text: String, _| {
                std::future::pending::<()>().await;
                Ok(text)
            })
            .boxed(),
        }
    }
}

fn letters(text: &str) -> impl futures::Stream<Item = Result<String>> + use<> {
    let letters: Vec<_> = text.chars().map(|letter| Ok(letter.to_string())).collect();
    stream::iter(if letters.is_empty() { vec![Ok(String::new())] } else { letters })
}

fn slow_letters(input: Chunks<'_, String>, _: RunnableConfig) -> Chunks<'_, String> {
    let letters = input.map_ok(|chunk| letters(&chunk)).try_flatten();
    letters
        .and_then(|letter| async move {
            sleep(1).await;
            Ok(letter)
        })
        .boxed()
}

fn fail_per_chunk_on_a(input: Chunks<'_, String>, _: RunnableConfig) -> Chunks<'_, String> {
    input.and_then(|chunk| ready(if chunk.contains('a') { Err(refused()) } else { Ok(chunk) })).boxed()
}

/// Gives that many chunks, then what `end` says.
fn breaking(name: &'static str, after: u8, end: fn() -> Result<String>) -> Chain {
    RunnableGenerator::of_whole(name, move |text: String, _| {
        let sound = stream::iter((0..after).map(move |_| Ok(text.clone())));
        sound.chain(stream::once(async move { end() })).boxed()
    })
    .boxed()
}

fn halves(text: &str) -> Vec<String> {
    let (left, right) = text.split_at(text.chars().take(text.chars().count() / 2).map(char::len_utf8).sum());
    vec![left.to_owned(), right.to_owned()]
}

fn is_even(text: &str) -> bool {
    text.len().is_multiple_of(2)
}

/// Text that is converted into text.
#[derive(Clone)]
struct Wrapped(String);

impl Payload for Wrapped {
    fn record(&self) -> serde_json::Value {
        self.0.record()
    }
    fn merge(&mut self, next: Self) -> runtree::Merge {
        self.0.merge(next.0)
    }
}

impl TryFrom<Wrapped> for String {
    type Error = Error;
    fn try_from(wrapped: Wrapped) -> Result<Self> {
        Ok(wrapped.0)
    }
}

impl Expression {
    /// The chain itself.
    pub(crate) fn build(&self) -> Chain {
        match self {
            Self::Step(step) => step.build(),
            Self::Sequence(steps) => left_nested(steps),
            Self::Parallel(branches, join) => {
                let parallel = branches
                    .iter()
                    .enumerate()
                    .fold(RunnableParallel::new(), |parallel, (at, branch)| parallel.with(key(at), branch.build()));
                match join {
                    Join::Whole => {
                        let count = branches.len();
                        let join = RunnableLambda::with("join", count, async |count, fields: Fields, _| {
                            (0..*count).map(|at| fields.get::<String>(&key(at))).collect::<Result<String>>()
                        });
                        parallel.pipe(join).boxed()
                    }
                    Join::AsItComes => {
                        let join = RunnableGenerator::per_chunk("join_as_it_comes", |fields: Fields| {
                            fields.into_iter().map(|(key, value)| format!("{key}{value:?}")).collect::<String>()
                        });
                        parallel.pipe(join).boxed()
                    }
                }
            }
            Self::Tuple(two) => {
                let [a, b] = two.as_ref().each_ref().map(Self::build);
                parallel((a, b)).into_struct(|(a, b): (String, String)| format!("({a},{b})")).boxed()
            }
            Self::Branch { when_even, otherwise } => {
                RunnableBranch::new(otherwise.build()).when(|text: &String| is_even(text), when_even.build()).boxed()
            }
            Self::Each(inner) => {
                let halves = RunnableLambda::map("halves", |text: String| halves(&text));
                halves.pipe(inner.build().each()).pipe(|halves: Vec<String>| halves.concat()).boxed()
            }
            Self::Retry(inner) => {
                inner.build().with_retry(RetryPolicy::new().attempts(2).first_wait(Duration::from_millis(2))).boxed()
            }
            Self::Fallbacks(candidates) => {
                let mut candidates = candidates.iter().map(Self::build);
                let first = candidates.next().expect("there is a candidate");
                first.with_fallbacks(candidates).boxed()
            }
            Self::Assign(inner) => {
                let value = |fields: Fields| fields.get::<String>("given").unwrap_or_default();
                let value = RunnableLambda::map("given", value).pipe(inner.build());
                RunnableLambda::map("wrap", |text: String| fields! { "given" => text })
                    .pipe(RunnableAssign::new().with("more", value))
                    .pick_as::<String>("more")
                    .boxed()
            }
            Self::Choice(inner) => {
                let inner = inner.as_ref().map(|inner| inner.build());
                RunnableChoice::with("choice", inner, async |inner, text: String, _| match inner {
                    Some(inner) => Ok(Next::Run(inner.clone())),
                    None => Ok(Next::Done(text)),
                })
                .boxed()
            }
            Self::Router(two) => {
                let [even, odd] = two.as_ref().each_ref().map(Self::build);
                let route = |text: String| Routed::new(if is_even(&text) { "even" } else { "odd" }, text);
                RunnableLambda::map("route", route)
                    .pipe(RouterRunnable::new().with("even", even).with("odd", odd))
                    .boxed()
            }
            Self::Bound(inner, bound) => {
                let patch = ConfigPatch::new().tag("bound").metadata("depth", 1).run_name("renamed");
                let patch = bound.iter().fold(patch, |patch, bound| patch.max_concurrency(*bound));
                inner.build().with_config(patch).boxed()
            }
            Self::Listened(inner) => {
                inner.build().with_listeners(Listeners::new().on_end(|run| assert!(run.outcome().is_some()))).boxed()
            }
            Self::Configurable(inner) => {
                let unset = ConfigurableField::new("unset");
                inner.build().configurable_field(unset, |_, _: i64| Ok(())).boxed()
            }
            Self::Alternatives(two) => {
                let [usual, other] = two.as_ref().each_ref().map(Self::build);
                let field = ConfigurableField::new("which");
                usual.configurable_alternatives(field, "usual").alternative("other", other).boxed()
            }
            Self::Accepting(inner) => {
                RunnableLambda::map("wrapped", Wrapped).pipe(inner.build().accepting::<Wrapped>()).boxed()
            }
            Self::Batching(inner) => {
                RunnableLambda::with("batching", inner.build(), async |inner, text: String, config| {
                    inner.batch(halves(&text), config).await.into_iter().collect::<Result<String>>()
                })
                .boxed()
            }
            Self::Streaming(inner) => {
                let inner = Arc::new(inner.build());
                RunnableGenerator::of_whole("streaming", move |text: String, config| {
                    inner.clone().into_stream(text, &config)
                })
                .boxed()
            }
            Self::Referred(inner) => BoxRunnable::new(Arc::new(inner.build())),
        }
    }
}

fn key(at: usize) -> String {
    ["one", "two", "three"][at].to_owned()
}

fn left_nested(steps: &[Expression]) -> Chain {
    let mut steps = steps.iter().map(Expression::build);
    let first = steps.next().expect("there is a step");
    steps.fold(first, |chain, next| chain.pipe(next).boxed())
}
