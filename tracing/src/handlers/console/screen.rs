//! Where lines are printed: some for good, and below them a region that is drawn over and over.

use std::fmt;
use std::io::{self, Write};

/// A stream of output, and what stands in its live region.
pub(super) struct Screen {
    writer: Box<dyn Write + Send>,
    size: Size,
    width: Option<usize>,
    height: Option<usize>,
    pub(super) color: bool,
    /// The widths of the lines in the live region, which ends above the cursor.
    region: Vec<usize>,
    drawn: String,
    failed: bool,
}

enum Size {
    Terminal(console::Term),
    Unknown,
}

impl Screen {
    pub(super) fn terminal(writer: impl Write + Send + 'static, terminal: console::Term, color: bool) -> Self {
        // On Windows, asking is what makes the terminal understand colours and movement.
        let _: bool = terminal.features().colors_supported();
        Self { size: Size::Terminal(terminal), ..Self::plain(writer, color) }
    }

    pub(super) fn plain(writer: impl Write + Send + 'static, color: bool) -> Self {
        let (width, height, region, drawn) = (None, None, Vec::new(), String::new());
        Self { writer: Box::new(writer), size: Size::Unknown, width, height, color, region, drawn, failed: false }
    }

    pub(super) fn set_width(&mut self, columns: usize) {
        self.width = Some(columns);
    }

    pub(super) fn set_height(&mut self, rows: usize) {
        self.height = Some(rows);
    }

    /// The width to which lines that stay are cut, if they are.
    pub(super) fn cut(&self) -> Option<usize> {
        match self.size {
            Size::Terminal(_) => Some(self.columns()),
            Size::Unknown => self.width,
        }
    }

    /// How many columns a line may take: one less than there are, since many terminals wrap at the last.
    pub(super) fn columns(&self) -> usize {
        self.width.or(self.measured().map(|(_, columns)| columns)).unwrap_or(80).saturating_sub(1).max(1)
    }

    /// How many lines the live region may take: one less than there are, for the cursor.
    pub(super) fn rows(&self) -> usize {
        self.height.or(self.measured().map(|(rows, _)| rows)).unwrap_or(24).saturating_sub(1).max(1)
    }

    fn measured(&self) -> Option<(usize, usize)> {
        let Size::Terminal(terminal) = &self.size else { return None };
        terminal.size_checked().map(|(rows, columns)| (rows.into(), columns.into())).filter(|size| *size > (0, 0))
    }

    /// Prints `stays` above the live region and draws the region anew; each live line comes with its width.
    pub(super) fn paint(&mut self, stays: &str, live: &[(String, usize)]) {
        let region: String = live.iter().flat_map(|(line, _)| [line, "\x1b[K\n"]).collect();
        if stays.is_empty() && region == self.drawn && !region.is_empty() {
            return;
        }
        let mut text = self.to_top();
        if !stays.is_empty() {
            // What stays may be shorter than what it covers.
            if !self.region.is_empty() {
                text.push_str("\x1b[J");
            }
            text.push_str(stays);
        }
        text.push_str(&region);
        if !self.region.is_empty() {
            text.push_str("\x1b[J");
        }
        self.region = live.iter().map(|(_, width)| *width).collect();
        self.drawn = region;
        self.write(&text);
    }

    /// Takes the live region away, so that others may print.
    pub(super) fn clear(&mut self) {
        self.paint("", &[]);
    }

    /// Moves to the first column of the region's first line. A terminal that became narrower has wrapped its lines.
    fn to_top(&self) -> String {
        let columns = self.columns() + 1;
        let rows: usize = self.region.iter().map(|width| width.div_ceil(columns).max(1)).sum();
        if rows == 0 { String::new() } else { format!("\r\x1b[{rows}A") }
    }

    fn write(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        let written = self.writer.write_all(text.as_bytes()).and_then(|()| self.writer.flush());
        // A closed pipe is how readers say that they have seen enough.
        if let Err(error) = written
            && !std::mem::replace(&mut self.failed, true)
            && error.kind() != io::ErrorKind::BrokenPipe
        {
            eprintln!("runtree: writing to the console failed: {error}; runs go on, this is said once");
        }
    }
}

impl fmt::Debug for Screen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Screen").field("region", &self.region).finish_non_exhaustive()
    }
}
