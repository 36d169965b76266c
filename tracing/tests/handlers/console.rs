use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use runtree_core::{Error, ErrorKind, Opening, Record, RunGuard, RunType, RunnableConfig, Status};
use runtree_tracing::handlers::Console;
use serde_json::json;

/// A terminal of 40 columns and 12 rows that keeps what scrolled away.
#[derive(Clone)]
struct Terminal(Arc<Mutex<(vt100::Parser, Vec<u8>)>>);

impl Terminal {
    fn new() -> Self {
        Self(Arc::new(Mutex::new((vt100::Parser::new(12, 40, 1000), Vec::new()))))
    }

    fn live(&self) -> Console {
        Console::plain(self.clone()).with_live(true).with_width(40).with_height(12)
    }

    /// What a person sees, without times and the lines that are empty.
    fn seen(&self) -> String {
        let screen = self.0.lock().unwrap().0.screen().contents();
        without_times(screen.trim_end())
    }

    fn written(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().1.clone()).unwrap()
    }
}

impl Write for Terminal {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut terminal = self.0.lock().unwrap();
        terminal.1.extend_from_slice(bytes);
        let as_a_terminal_driver_does = String::from_utf8_lossy(bytes).replace('\n', "\r\n");
        terminal.0.process(as_a_terminal_driver_does.as_bytes());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The text with `T` for each time, and `*` for each spinner.
fn without_times(text: &str) -> String {
    let is_time = |word: &str| {
        let number = ["µs", "ms", "s"].iter().find_map(|unit| word.strip_suffix(unit));
        number.is_some_and(|number| number.parse::<f64>().is_ok())
    };
    let text = text.replace(|c| ('⠁'..='⣿').contains(&c), "*");
    let line =
        |line: &str| line.split(' ').map(|word| if is_time(word) { "T" } else { word }).collect::<Vec<_>>().join(" ");
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

fn open(console: &Console, name: &'static str) -> (RunnableConfig, RunGuard) {
    RunnableConfig::root().with_handler(console.handler()).open(Opening::new(name))
}

fn succeed(guard: RunGuard) {
    guard.succeed(Record::value(1));
}

#[test]
fn a_live_tree_is_drawn_in_place_and_stays_when_it_ends() {
    let terminal = Terminal::new();
    let console = terminal.live();
    let (inside, root) = open(&console, "answer");
    let (_, child) = inside.open(Opening::new("lookup"));
    console.suspend(|| {});
    assert_eq!(terminal.seen(), "* answer T\n└─ * lookup T");
    succeed(child);
    succeed(root);
    console.finish();
    assert_eq!(terminal.seen(), "✓ answer T\n└─ ✓ lookup T");
}

#[test]
fn printed_text_stands_above_the_tree_and_is_never_drawn_over() {
    let terminal = Terminal::new();
    let console = terminal.live();
    let (_, root) = open(&console, "answer");
    for number in 0..5 {
        console.println(format!("line {number}"));
        let seen = terminal.seen();
        assert!(seen.lines().count() == number + 2 && seen.ends_with("\n* answer T"), "{seen}");
    }
    succeed(root);
    console.finish();
    assert_eq!(terminal.seen(), "line 0\nline 1\nline 2\nline 3\nline 4\n✓ answer T");
}

#[test]
fn streamed_text_is_whole_and_the_tree_waits_for_its_line_to_end() {
    let terminal = Terminal::new();
    let console = terminal.live();
    let (_, root) = open(&console, "answer");
    console.print("first line\nsecond ");
    console.print("line, ");
    succeed(root);
    console.print("and its end");
    console.finish();
    assert_eq!(terminal.seen(), "first line\nsecond line, and its end\n✓ answer T");
}

#[test]
fn a_line_begun_is_wrapped_while_it_grows() {
    let terminal = Terminal::new();
    let console = terminal.live();
    let (_, root) = open(&console, "answer");
    let long = "word ".repeat(20);
    console.print(&long);
    console.suspend(|| {});
    let seen = terminal.seen();
    assert_eq!(seen.lines().count(), 4, "{seen}");
    assert_eq!(seen.lines().take(3).collect::<Vec<_>>().concat().replace(' ', ""), long.replace(' ', ""));
    console.print("\n");
    succeed(root);
    console.finish();
    assert!(terminal.seen().ends_with("✓ answer T"), "{}", terminal.seen());
}

#[test]
fn others_print_undisturbed_while_suspended() {
    let terminal = Terminal::new();
    let console = terminal.live();
    let (inside, root) = open(&console, "answer");
    console.println("before");
    console.suspend(|| {
        succeed(inside.open(Opening::new("meanwhile")).1);
        console.println("queued");
        console.suspend(|| terminal.clone().write_all(b"raw \x1b[1mtext\x1b[0m\n").unwrap());
    });
    assert!(terminal.seen().starts_with("before\nraw text\nqueued\n"), "{}", terminal.seen());
    succeed(root);
    console.finish();
    assert_eq!(terminal.seen(), "before\nraw text\nqueued\n✓ answer T\n└─ ✓ meanwhile T");
}

#[test]
fn a_panic_while_suspended_gives_the_screen_back() {
    let terminal = Terminal::new();
    let console = terminal.live();
    let (_, root) = open(&console, "answer");
    let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| console.suspend(|| panic!("on purpose"))));
    assert!(panic.is_err());
    succeed(root);
    console.finish();
    assert_eq!(terminal.seen(), "✓ answer T");
}

#[test]
fn trees_taller_than_the_terminal_never_scroll_while_they_live() {
    let terminal = Terminal::new();
    let console = terminal.live();
    let (inside, root) = open(&console, "answer");
    let open: Vec<_> =
        (0..30).map(|_| inside.open(Opening::new("a long name that is cut to the width of it")).1).collect();
    for _ in 0..5 {
        console.suspend(|| {});
    }
    let seen = terminal.seen();
    assert_eq!(seen.lines().count(), 11, "{seen}");
    assert!(seen.lines().next().unwrap().contains("answer"), "{seen}");
    assert!(seen.lines().skip(2).all(|line| line.ends_with('…')), "{seen}");
    open.into_iter().for_each(succeed);
    succeed(root);
    console.finish();
    terminal.0.lock().unwrap().0.screen_mut().set_scrollback(1000);
    assert!(terminal.seen().starts_with("✓ answer T\n├─ ✓ a long name"), "{}", terminal.seen());
}

#[test]
fn streams_show_their_progress() {
    let terminal = Terminal::new();
    let console = terminal.live();
    let (_, root) = open(&console, "model");
    let run = root.run().unwrap().clone();
    run.tell_chunk(&json!({"content": "Once upon"}));
    run.tell_chunk(&json!({"content": " a time"}));
    console.suspend(|| {});
    assert_eq!(terminal.seen(), "* model 2 chunks T  Once upon a time");
    succeed(root);
    console.finish();
    assert_eq!(terminal.seen(), "✓ model 2 chunks T");
}

#[test]
fn what_is_not_live_is_a_plain_line_for_each_end() {
    let terminal = Terminal::new();
    let console = Console::plain(terminal.clone());
    let config = RunnableConfig::root().with_handler(console.handler());
    assert!(!config.wants_chunks());
    let (inside, root) = config.open(Opening::new("answer"));
    let (_, model) = inside.clone().with_own_tag("seq:step:1").open(Opening::new("model").run_type(RunType::Llm));
    model.succeed(Record::value(json!({"usage_metadata": {"input_tokens": 7, "output_tokens": 2}})));
    let (below, parser) = inside.open(Opening::new("parser"));
    below.open(Opening::new("read")).1.close(Status::Truncated, None, None);
    parser.fail(&Error::new(ErrorKind::Parse, "not json").with_source("line 1".parse::<u8>().unwrap_err()));
    console.print("half a li");
    succeed(root);
    console.print("ne");
    console.println("and more");
    console.finish();
    let lines: Vec<String> = without_times(&terminal.written()).lines().map(squeezed).collect();
    assert_eq!(
        lines,
        [
            "ok T answer > model seq:step:1 7→2 tokens",
            "truncated T answer > parser > read",
            "error T answer > parser: not json: invalid digit found in string",
            "half a line",
            "ok T answer",
            "and more",
        ]
    );
}

fn squeezed(line: &str) -> String {
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn colours_come_when_they_are_wanted() {
    let line = |color| {
        let terminal = Terminal::new();
        let console = Console::plain(terminal.clone()).with_color(color);
        succeed(open(&console, "answer").1);
        drop(console);
        terminal.written()
    };
    assert!(!line(false).contains('\x1b'));
    assert!(line(true).starts_with("\x1b[32mok"));
}

#[test]
fn names_tags_errors_and_text_cannot_command_the_terminal() {
    const EVIL: &str = "a\x1b[2J\x1b]0;title\x07b\r\nforged \u{9b}31m\u{202e}c";
    for live in [false, true] {
        let terminal = Terminal::new();
        let console = Console::plain(terminal.clone()).with_live(live).with_width(400).with_height(50);
        let (inside, root) = RunnableConfig::root().with_handler(console.handler()).open(Opening::new(EVIL));
        let (_, child) = inside.with_own_tag(EVIL).open(Opening::new("child"));
        child.run().unwrap().tell_chunk(&json!(EVIL));
        console.print("begun");
        console.suspend(|| {});
        console.println(EVIL);
        child.fail(&Error::new(ErrorKind::Other, EVIL));
        root.fail(&Error::new(ErrorKind::Other, EVIL));
        drop(console);
        let written = terminal.written();
        // What the console itself says: up, erase.
        let text = written.replace("\x1b[K", "").replace("\x1b[J", "").replace('\r', "");
        let text: Vec<&str> = text.split("\x1b[").map(|part| part.trim_start_matches(char::is_numeric)).collect();
        let text = text.concat();
        assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text:?}");
        assert!(!text.contains('\u{202e}'));
        assert!(
            written
                .lines()
                .all(|line| !line.trim_start().starts_with("forged") || line == "forged \u{fffd}31m\u{fffd}c")
        );
    }
}

#[test]
fn dropping_the_console_prints_what_is_left() {
    let terminal = Terminal::new();
    let console = terminal.live();
    let (inside, root) = open(&console, "answer");
    drop(inside.open(Opening::new("dropped")));
    drop(console);
    assert_eq!(terminal.seen(), "… answer T still open\n└─ ⊘ dropped T cancelled");
    succeed(root);
}

#[test]
fn many_threads_make_whole_lines() {
    let terminal = Terminal::new();
    let console = Console::plain(terminal.clone());
    let config = RunnableConfig::root().with_handler(console.handler());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..200).for_each(|_| succeed(config.open(Opening::new("item")).1)));
        }
    });
    console.finish();
    let lines: Vec<String> = without_times(&terminal.written()).lines().map(squeezed).collect();
    assert_eq!(lines, vec!["ok T item"; 800]);
}
