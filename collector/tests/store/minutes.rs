//! Numbers by the minute: whatever happens to runs, they are what counting all runs gives.

use proptest::prelude::*;
use runtree_collector::access::Access;
use runtree_collector::run::{Field, Kind, Operation};
use runtree_collector::store::{Batch, Bucket, ProjectQuestion, Question, Store, Timeline};
use runtree_tracing::langsmith::wire::{Project, ProjectUpdate, RunStats};
use serde_json::json;

use crate::Kept;
use crate::operations::{START, Told, json, text};

const MINUTE: i64 = 60_000_000;
const DAY: f64 = 86_400e6;
const PROJECTS: [&str; 3] = ["p", "q", "r"];

/// Something that happens.
#[derive(Clone, Debug)]
enum Event {
    /// These operations come in one request.
    Told(Vec<Telling>),
    /// A project is removed.
    Removed(usize),
    /// What began before a time is too old for a project.
    Swept(usize, i64),
}

/// An operation of one of a few runs.
#[derive(Clone, Debug)]
struct Telling {
    run: u64,
    is_create: bool,
    project: usize,
    lasted: i64,
    failed: bool,
    first_token: Option<i64>,
    tokens: Option<(i64, i64)>,
    cost: Option<f64>,
}

/// Each third run is a root, and there are a few in each minute.
fn run(number: u64) -> Told {
    let root = Told { start: START + number as i64 * 17_000_000, ..Told::root(number / 3 * 3) };
    if number.is_multiple_of(3) { root } else { Told { start: root.start, ..root.child(number) } }
}

impl Telling {
    fn operation(&self) -> Operation {
        let run = run(self.run);
        let operation = if self.is_create {
            run.create_unplaced()
        } else {
            let update = Operation::new(Kind::Update, run.id).with(Field::Trace, text(&run.trace.to_string()));
            let end = (run.start + self.lasted).to_string();
            let update = update.with(Field::End, end).with(Field::Start, run.start.to_string());
            match run.parent {
                Some(parent) => update.with(Field::Parent, text(&parent.to_string())),
                None => update,
            }
        };
        let mut usage = json!({});
        if let Some((prompt, completion)) = self.tokens {
            usage = json!({"input_tokens": prompt, "output_tokens": completion});
        }
        if let Some(cost) = self.cost {
            usage["input_cost"] = json!(cost);
        }
        let mut operation = operation
            .with(Field::ProjectName, text(PROJECTS[self.project]))
            .with(Field::Extra, json(&json!({"metadata": {"usage_metadata": usage}})));
        if let Some(first) = self.first_token {
            let events = json!([{"name": "new_token", "time": (run.start + first) / 1_000}]);
            operation = operation.with(Field::Events, json(&events));
        }
        if self.failed { operation.with(Field::Error, text("it broke")) } else { operation }
    }
}

fn telling() -> impl Strategy<Value = Telling> {
    let lasted = prop_oneof![0..5_000_000_i64, -5_000_000..10_000_000_000_i64];
    let cost = prop::option::of(prop_oneof![0.0..0.01, Just(1e300)]);
    let tokens = prop::option::of((0..1_000_000_000_000_i64, 0..1_000_i64));
    let whether = (any::<bool>(), any::<bool>(), prop::option::of(0..90_000_000_i64));
    (0..15_u64, 0..3_usize, lasted, whether, tokens, cost).prop_map(
        |(run, project, lasted, (is_create, failed, first_token), tokens, cost)| {
            // Most runs stay where they are.
            let project = if project == 2 { 2 } else { (run / 3 % 2) as usize };
            Telling { run, is_create, project, lasted, failed, first_token, tokens, cost }
        },
    )
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        12 => prop::collection::vec(telling(), 1..8).prop_map(Event::Told),
        1 => (0..3_usize).prop_map(Event::Removed),
        1 => (0..3_usize, 0..5 * MINUTE).prop_map(|(project, after)| Event::Swept(project, START + after)),
    ]
}

impl Kept {
    async fn project(&self, name: &str) -> Option<Project> {
        let question = ProjectQuestion { name: Some(name.into()), with_stats: true, limit: 1, ..Default::default() };
        self.store.projects(&Access::full(), &question).await.unwrap().pop()
    }

    async fn happens(&self, event: &Event) {
        let access = Access::full();
        match event {
            Event::Told(tellings) => {
                // Some are refused: a run is somewhere else, or gone.
                self.write(tellings.iter().map(Telling::operation)).await;
            }
            Event::Removed(project) => {
                let Some(project) = self.project(PROJECTS[*project]).await else { return };
                assert!(self.store.delete_project(&access, project.id).await.unwrap());
            }
            Event::Swept(project, before) => {
                let Some(project) = self.project(PROJECTS[*project]).await else { return };
                let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_micros() as i64;
                let keeps = async |days: f64| {
                    let mut update = ProjectUpdate::default();
                    update.extra = json!({"retention": {"runs_days": days}}).as_object().cloned();
                    self.store.update_project(&access, project.id, update).await.unwrap();
                };
                keeps((now - before) as f64 / DAY).await;
                self.store.sweep().await.unwrap();
                keeps(0.0).await;
            }
        }
    }
}

fn close(one: Option<f64>, exact: Option<f64>) -> bool {
    match (one, exact) {
        (Some(one), Some(exact)) => (one - exact).abs() <= 0.01 * exact + 1e-6,
        (one, exact) => one == exact,
    }
}

/// That buckets are those that all runs give; percentiles are within 1 %.
fn assert_alike(by_minutes: &[Bucket], by_runs: &[Bucket]) {
    assert_eq!(by_minutes.len(), by_runs.len());
    for (one, exact) in by_minutes.iter().zip(by_runs) {
        for (told, exact) in [
            (one.latency_p50, exact.latency_p50),
            (one.latency_p95, exact.latency_p95),
            (one.latency_p99, exact.latency_p99),
            (one.first_token_p50, exact.first_token_p50),
            (one.first_token_p95, exact.first_token_p95),
        ] {
            assert!(close(told, exact), "{one:?} is not {exact:?}");
        }
        // Costs are cut where no sum of them would be true.
        assert!(exact.total_cost > 1e15 || (one.total_cost - exact.total_cost).abs() < 1e-10);
        let exact = exact.clone();
        assert_eq!(
            *one,
            Bucket {
                latency_p50: one.latency_p50,
                latency_p95: one.latency_p95,
                latency_p99: one.latency_p99,
                first_token_p50: one.first_token_p50,
                first_token_p95: one.first_token_p95,
                total_cost: one.total_cost,
                ..exact
            }
        );
    }
}

fn assert_alike_stats(told: &RunStats, roots: &RunStats, all: &RunStats) {
    assert_eq!((told.run_count, told.error_rate), (roots.run_count, roots.error_rate));
    assert_eq!((told.streaming_rate, told.last_run_start_time), (roots.streaming_rate, all.last_run_start_time));
    assert_eq!((told.total_tokens, told.prompt_tokens), (all.total_tokens, all.prompt_tokens));
    assert_eq!((told.completion_tokens, told.total_cost.is_some()), (all.completion_tokens, all.total_cost.is_some()));
    assert!(close(told.latency_p50, roots.latency_p50) && close(told.latency_p99, roots.latency_p99));
    assert!(close(told.first_token_p50, roots.first_token_p50) && close(told.first_token_p99, roots.first_token_p99));
}

/// That what minutes tell is what all runs tell.
async fn assert_counted(kept: &Kept) {
    let access = Access::full();
    for name in PROJECTS {
        let Some(project) = kept.project(name).await else { continue };
        let (from, until) = (START / MINUTE * MINUTE - 10 * MINUTE, START / MINUTE * MINUTE + 20 * MINUTE);
        for (step, is_root) in [(1, None), (2, None), (7, Some(true)), (30, Some(false))] {
            let asked =
                Timeline { project: project.id, from, until, step: step * MINUTE, is_root, ..Timeline::default() };
            let by_minutes = kept.store.timeline(&access, &asked).await.unwrap();
            // What does not end with a minute is told by runs.
            let by_runs = kept.store.timeline(&access, &Timeline { until: until + 1, ..asked }).await.unwrap();
            assert_alike(&by_minutes, &by_runs);
        }
        let all = Question { projects: Some(vec![project.id]), ..Question::default() };
        let roots = Question { is_root: Some(true), ..all.clone() };
        let of = async |question| kept.store.stats(&access, &question).await.unwrap();
        assert_alike_stats(&project.stats, &of(roots).await, &of(all).await);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn whatever_happens_minutes_are_what_counting_all_runs_gives(events in prop::collection::vec(event(), 1..24)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let kept = Kept::new().await;
            for event in &events {
                kept.happens(event).await;
            }
            assert_counted(&kept).await;
            let counted = kept.minutes().await;
            let kept = kept.recounted().await;
            assert_eq!(counted, kept.minutes().await);
            for name in PROJECTS {
                if let Some(project) = kept.project(name).await {
                    kept.store.delete_project(&Access::full(), project.id).await.unwrap();
                }
            }
            assert_eq!(kept.minutes().await, []);
        });
    }
}

#[tokio::test]
async fn a_run_that_moves_is_counted_where_it_is() {
    let kept = Kept::new().await;
    let run = Told::root(1);
    kept.has([run.update(2_000_000).with(Field::ProjectName, text("q"))]).await;
    let count = async |name: &str| kept.project(name).await.unwrap().stats.run_count;
    assert_eq!(count("q").await, Some(1));
    kept.has([run.create()]).await;
    assert_eq!((count("q").await, count("p").await), (Some(0), Some(1)));
    assert_eq!(kept.minutes().await.len(), 1);
}

#[tokio::test]
async fn numbers_that_nobody_can_mean_are_counted_and_taken_away() {
    let kept = Kept::new().await;
    for number in 0..3 {
        let run = Told { start: i64::MAX - number, ..Told::root(number as u64) };
        let usage = json!({"input_tokens": i64::MAX, "output_tokens": i64::MAX, "total_tokens": i64::MAX});
        let mut usage = json!({"metadata": {"usage_metadata": usage}});
        usage["metadata"]["usage_metadata"]["input_cost"] = json!(f64::MAX);
        usage["metadata"]["usage_metadata"]["output_cost"] = json!(f64::MAX);
        let ended = Operation::new(Kind::Update, run.id).with(Field::End, i64::MIN.to_string());
        kept.has([run.create_unplaced().with(Field::Extra, json(&usage)), ended]).await;
    }
    let project = kept.project("p").await.unwrap();
    assert_eq!((project.stats.run_count, project.stats.latency_p50), (Some(3), Some(0.0)));
    assert_eq!(project.stats.total_tokens, Some(u64::MAX));
    let counted = kept.minutes().await;
    let kept = kept.recounted().await;
    assert_eq!(counted, kept.minutes().await);
    kept.store.delete_project(&Access::full(), project.id).await.unwrap();
    assert_eq!(kept.minutes().await, []);
}

#[tokio::test]
async fn a_key_is_told_the_minutes_of_its_projects() {
    let kept = Kept::new().await;
    kept.has([Told::root(1).create()]).await;
    let project = kept.project("p").await.unwrap().id;
    let from = START / MINUTE * MINUTE;
    let asked = Timeline { project, from, until: from + MINUTE, step: MINUTE, ..Timeline::default() };
    let told = async |projects| {
        let access = Access { projects, ..Access::full() };
        kept.store.timeline(&access, &asked).await.unwrap().len()
    };
    assert_eq!(told(None).await, 1);
    assert_eq!(told(Some([project].into())).await, 1);
    assert_eq!(told(Some([Told::root(1).id].into())).await, 0);
}

#[tokio::test]
async fn what_is_too_old_is_counted_no_longer() {
    let kept = Kept::new().await;
    kept.has((0..9).map(|number| run(number).create_unplaced())).await;
    kept.happens(&Event::Swept(0, run(6).start - 5_000_000)).await;
    assert_eq!(kept.project("p").await.unwrap().stats.run_count, Some(1));
    assert_counted(&kept).await;
    let batch = Batch { operations: vec![run(0).update(5)], ..Batch::default() };
    kept.store.write(&Access::full(), batch).await.unwrap();
    assert_counted(&kept).await;
}
