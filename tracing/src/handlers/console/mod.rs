//! A handler that shows runs in a terminal while they run, or as plain lines elsewhere.

mod picture;
mod read;
mod screen;
mod state;
mod text;

use std::cell::Cell;
use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use runtree_core::{CallbackHandler, Interest, Run};
use serde_json::Value;

use picture::Frame;
use screen::Screen;
use state::{Node, Out, State};
use text::{Ink, Line, wrapped};

/// How long a picture stays before it is drawn anew.
const PACE: Duration = Duration::from_millis(80);
/// How long the thread that draws waits for something to do before it ends.
const LINGER: Duration = Duration::from_secs(1);

/// Shows runs while they run.
///
/// In a terminal, the trees of open runs grow and change in place: a mark for how each run stands, its name, its own
/// tags, how long it took, how many chunks it gave and the end of the text that streams, tokens of model calls, errors
/// where they arose. When its root ends, a tree is printed for good. Elsewhere, and with
/// [`with_live(false)`](Self::with_live), each run that ends is one plain line with the names of those above it.
///
/// ```
/// use runtree_core::{Opening, Record, RunnableConfig};
/// use runtree_tracing::handlers::Console;
///
/// let console = Console::stderr();
/// let config = RunnableConfig::root().with_handler(console.handler());
/// let (inside, root) = config.open(Opening::new("answer"));
/// inside.open(Opening::new("lookup")).1.succeed(Record::value(42));
/// console.println("halfway there"); // above the tree, which stays whole
/// root.succeed(Record::value(42));
/// console.finish();
/// ```
///
/// A terminal then keeps this, and a file lines such as `ok  12ms  answer > lookup`:
///
/// ```text
/// halfway there
/// ✓ answer 12ms
/// └─ ✓ lookup 9ms
/// ```
///
/// What others print to the same terminal meanwhile would be drawn over: print with [`println`](Self::println) and
/// [`print`](Self::print), or within [`suspend`](Self::suspend).
///
/// Colours are for terminals, unless `NO_COLOR`, `CLICOLOR`, `CLICOLOR_FORCE` or `TERM` say otherwise. Control
/// characters in names, outputs and printed text are shown, not obeyed.
///
/// # Pressure
/// A thread of the console's own draws, at most twelve times a second; runs only note what happened. At most a thousand
/// runs of a tree are shown and some thousand lines wait for a slow terminal; what is more is counted and said.
///
/// # Drop
/// [Finishes](Self::finish).
pub struct Console {
    shared: Arc<Shared>,
    ear: Arc<Ear>,
}

/// What hears for a [`Console`]. Runs hold their handlers: if they held the console, its drop would come too late.
struct Ear(Arc<Shared>);

/// What the console, its handler and its thread share. Locks are taken in the order screen, state.
struct Shared {
    screen: Mutex<Screen>,
    state: Mutex<State>,
    changed: Condvar,
    live: AtomicBool,
    began: Instant,
}

thread_local! {
    /// Whether this thread holds a screen, for [`Console::suspend`].
    static SUSPENDED: Cell<bool> = const { Cell::new(false) };
}

impl Console {
    /// Shows runs on standard error: live if that is a terminal.
    pub fn stderr() -> Self {
        Self::of_terminal(io::stderr(), console::Term::stderr())
    }

    /// Shows runs on standard output: live if that is a terminal.
    pub fn stdout() -> Self {
        Self::of_terminal(io::stdout(), console::Term::stdout())
    }

    /// Writes plain lines to `writer`, without colours.
    pub fn plain(writer: impl Write + Send + 'static) -> Self {
        Self::new(Screen::plain(writer, false), false)
    }

    fn of_terminal(stream: impl Write + IsTerminal + Send + 'static, terminal: console::Term) -> Self {
        let variable = |name: &str| std::env::var(name).ok();
        let color = wants_color(variable, stream.is_terminal());
        let live = stream.is_terminal() && variable("TERM").as_deref() != Some("dumb");
        if stream.is_terminal() {
            Self::new(Screen::terminal(stream, terminal, color), live)
        } else {
            Self::new(Screen::plain(stream, color), live)
        }
    }

    fn new(screen: Screen, live: bool) -> Self {
        let (screen, state, changed, began) = (screen.into(), Mutex::default(), Condvar::new(), Instant::now());
        let shared = Arc::new(Shared { screen, state, changed, live: live.into(), began });
        Self { ear: Arc::new(Ear(shared.clone())), shared }
    }

    /// Cuts lines to so many columns. Otherwise a terminal is asked, and lines for anything else are not cut.
    #[must_use]
    pub fn with_width(self, columns: usize) -> Self {
        self.shared.screen().set_width(columns);
        self
    }

    /// Lets the live trees take so many lines. Otherwise the terminal is asked.
    #[must_use]
    pub fn with_height(self, lines: usize) -> Self {
        self.shared.screen().set_height(lines);
        self
    }

    /// Sets whether there are colours.
    #[must_use]
    pub fn with_color(self, color: bool) -> Self {
        self.shared.screen().color = color;
        self
    }

    /// Sets whether trees are drawn live. Call it before [`handler`](Self::handler) is given to a config: a live
    /// console wants chunks, and models stream for it even when they are invoked.
    #[must_use]
    pub fn with_live(self, live: bool) -> Self {
        self.shared.live.store(live, Ordering::Relaxed);
        self
    }

    /// Whether trees are drawn live.
    pub fn is_live(&self) -> bool {
        self.shared.is_live()
    }

    /// What to give to [`with_handler`](runtree_core::RunnableConfig::with_handler): the same each time.
    pub fn handler(&self) -> Arc<dyn CallbackHandler> {
        self.ear.clone()
    }

    /// Prints a line, or lines, above the live trees, to the stream that the console shows runs on.
    pub fn println(&self, text: impl AsRef<str>) {
        {
            let mut state = self.shared.state();
            state.end_line();
            state.print(text.as_ref());
            state.print("\n");
        }
        self.shared.draw_now();
    }

    /// Prints text above the live trees as it comes, without ending its line: for answers that stream.
    ///
    /// A line that is begun keeps trees that end meanwhile from being printed for good, so that they do not cut it in
    /// two. Where nothing is live, it is written when it ends, or at [`finish`](Self::finish).
    pub fn print(&self, text: impl AsRef<str>) {
        self.shared.note(|state| state.print(text.as_ref()));
    }

    /// Takes the live trees away, runs `body`, which may print what it likes, and draws them again.
    ///
    /// Runs are not held up meanwhile. What `body` prints must end its last line. Threads that print through this
    /// console wait for `body`; so it must not wait for them.
    pub fn suspend<T>(&self, body: impl FnOnce() -> T) -> T {
        struct Resume<'a>(&'a Shared, Option<MutexGuard<'a, Screen>>);
        impl Drop for Resume<'_> {
            fn drop(&mut self) {
                SUSPENDED.set(false);
                self.1 = None;
                self.0.draw_now();
            }
        }
        if SUSPENDED.get() {
            return body();
        }
        let mut screen = self.shared.screen();
        self.shared.draw(&mut screen, false);
        screen.clear();
        SUSPENDED.set(true);
        let _resume = Resume(&self.shared, Some(screen));
        body()
    }

    /// Prints for good all that is shown: runs that are still open as they stand, the beginning of a line as a line.
    ///
    /// Runs that open later under none of those shown begin a new picture.
    pub fn finish(&self) {
        self.shared.state().finish();
        self.shared.draw_now();
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        self.finish();
    }
}

impl fmt::Debug for Console {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Console").field("live", &self.is_live()).finish_non_exhaustive()
    }
}

/// Whether the environment wants colours: `NO_COLOR` forbids, `CLICOLOR_FORCE` demands, `CLICOLOR=0` and `TERM=dumb`
/// decline, a terminal likes them.
fn wants_color(variable: impl Fn(&str) -> Option<String>, terminal: bool) -> bool {
    let is_set = |name| variable(name).is_some_and(|value| !value.is_empty());
    let forced = variable("CLICOLOR_FORCE").is_some_and(|value| !value.is_empty() && value != "0");
    let declined = variable("CLICOLOR").as_deref() == Some("0") || variable("TERM").as_deref() == Some("dumb");
    !is_set("NO_COLOR") && (forced || (terminal && !declined))
}

impl Shared {
    fn is_live(&self) -> bool {
        self.live.load(Ordering::Relaxed)
    }

    fn screen(&self) -> MutexGuard<'_, Screen> {
        self.screen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that something happened, and has it drawn by the thread, which is started if there is none.
    fn note(self: &Arc<Self>, change: impl FnOnce(&mut State)) {
        let mut state = self.state();
        change(&mut state);
        if state.drawn_by_thread {
            self.changed.notify_one();
        } else if state.changed {
            let shared = self.clone();
            let thread =
                std::thread::Builder::new().name("runtree-console".into()).spawn(move || shared.keep_drawing());
            // Without a thread, printing and finishing still draw.
            state.drawn_by_thread = thread.is_ok();
        }
    }

    fn keep_drawing(&self) {
        loop {
            self.draw(&mut self.screen(), true);
            let live = self.is_live();
            if live {
                std::thread::sleep(PACE);
            }
            let state = self.state();
            if live && !state.trees.is_empty() {
                continue; // time passes, and the spinners turn
            }
            let wait = self.changed.wait_timeout_while(state, LINGER, |state| !state.changed);
            let (mut state, _) = wait.unwrap_or_else(PoisonError::into_inner);
            if !state.changed {
                state.drawn_by_thread = false;
                return;
            }
        }
    }

    /// Draws what there is, unless this thread is busy with printing.
    fn draw_now(&self) {
        if !SUSPENDED.get() {
            self.draw(&mut self.screen(), true);
        }
    }

    fn draw(&self, screen: &mut Screen, with_trees: bool) {
        let (columns, rows, color) = (screen.columns(), screen.rows(), screen.color);
        let now = Instant::now();
        let turn = (now.saturating_duration_since(self.began).as_millis() / PACE.as_millis()) as usize;
        let mut live = Vec::new();
        let (out, missed) = {
            let mut state = self.state();
            state.changed = false;
            if with_trees && self.is_live() {
                let mut begun = if state.partial.is_empty() { Vec::new() } else { wrapped(&state.partial, columns) };
                let begun = begun.split_off(begun.len().saturating_sub(rows / 2));
                live.extend(begun.into_iter().map(|row| Line::default().with(Ink::Plain, row)));
                live.extend(picture::live(&state.trees, rows - live.len(), Frame { now, turn: Some(turn) }));
            }
            state.take()
        };
        let mut stays = String::new();
        for out in out {
            let lines = match out {
                Out::Text(text) => {
                    stays.push_str(&text);
                    continue;
                }
                Out::Line(line) => vec![line],
                Out::Tree(tree) => picture::finished(&tree, Frame { now, turn: None }),
            };
            for line in lines {
                stays.push_str(&line.render(screen.cut(), color));
                stays.push('\n');
            }
        }
        if missed > 0 {
            stays.push_str(&format!("… {missed} lines were left out: too many came at once\n"));
        }
        let live: Vec<(String, usize)> =
            live.iter().map(|line| (line.render(Some(columns), color), line.width().min(columns))).collect();
        screen.paint(&stays, &live);
    }
}

impl CallbackHandler for Ear {
    fn on_start(&self, run: &Arc<Run>) {
        if self.0.is_live() {
            let (name, tags) = (read::line(run.name(), 200), read::tags(run));
            self.0.note(|state| state.open(run.id(), run.parent_id(), Node::new(name, tags, Instant::now())));
        }
    }

    fn on_chunk(&self, run: &Arc<Run>, chunk: &Value) {
        if self.0.is_live() {
            self.0.note(|state| state.chunk(run.id(), read::chunk_text(chunk)));
        }
    }

    fn on_end(&self, run: &Arc<Run>) {
        let ending = read::ending(run);
        if self.0.is_live() {
            return self.0.note(|state| state.close(run.id(), ending));
        }
        let node = Node::new(read::line(run.name(), 200), read::tags(run), Instant::now());
        let line = picture::plain(&read::above(run), &node, &ending);
        self.0.note(|state| state.say(line));
    }

    fn interest(&self) -> Interest {
        if self.0.is_live() { Interest::CHUNKS } else { Interest::RUNS }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_has_its_say_about_colours() {
        let wants = |set: &[(&str, &str)], terminal| {
            wants_color(|name| set.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()), terminal)
        };
        assert!(wants(&[], true) && !wants(&[], false));
        assert!(!wants(&[("NO_COLOR", "1")], true) && wants(&[("NO_COLOR", "")], true));
        assert!(wants(&[("CLICOLOR_FORCE", "1")], false) && !wants(&[("CLICOLOR_FORCE", "0")], false));
        assert!(!wants(&[("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")], true));
        assert!(!wants(&[("CLICOLOR", "0")], true) && !wants(&[("TERM", "dumb")], true));
    }
}
