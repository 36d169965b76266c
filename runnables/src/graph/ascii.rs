//! A graph as a drawing in text.

use std::collections::HashMap;

use unicode_width::UnicodeWidthStr;

use super::layout::{Layout, depths, layout};
use super::{Edge, Graph, NodeId};

/// Rows of a box.
const BOX: usize = 3;

impl Graph {
    /// As a drawing in plain text, from the top down. Edges that are labelled or conditional are listed below it, and
    /// so are those that lead back up.
    ///
    /// ```
    /// use runtree_runnables::{RunnableExt, RunnablePassthrough};
    ///
    /// let drawing = RunnablePassthrough::<String>::new().graph().draw_ascii();
    /// assert_eq!(drawing, "
    /// +------------------+
    /// | PassthroughInput |
    /// +------------------+
    ///           |
    ///           v
    ///    +-------------+
    ///    | Passthrough |
    ///    +-------------+
    ///           |
    ///           v
    /// +-------------------+
    /// | PassthroughOutput |
    /// +-------------------+".trim_start());
    /// ```
    pub fn draw_ascii(&self) -> String {
        let names = self.display_names();
        let numbers: HashMap<&NodeId, usize> = self.nodes.keys().enumerate().map(|(number, id)| (id, number)).collect();
        let edges: Vec<_> = self.edges.iter().map(|edge| (numbers[&edge.source], numbers[&edge.target])).collect();
        let (depths, closing) = depths(names.len(), &edges);
        let mut downward: Vec<_> =
            edges.iter().zip(&closing).filter(|(_, closing)| !**closing).map(|(edge, _)| *edge).collect();
        downward.sort_unstable();
        downward.dedup();
        let widths: Vec<_> = names.iter().map(|name| name.width()).collect();
        let mut canvas = Canvas::default();
        canvas.draw(layout(&widths, &depths, &downward), &names);
        let mut lines = canvas.into_lines();
        let listed = self
            .edges
            .iter()
            .zip(&closing)
            .filter(|(edge, closing)| **closing || edge.conditional || edge.label.is_some());
        let mut listed = listed.map(|(edge, _)| in_words(edge, |id| &names[numbers[id]])).peekable();
        if listed.peek().is_some() {
            lines.push(String::new());
        }
        lines.extend(listed);
        lines.join("\n")
    }

    /// What is written in each box: names that tell the nodes apart, on one line.
    fn display_names(&self) -> Vec<String> {
        let keys = self.keys();
        let names = self.nodes.iter().map(|(id, node)| match id {
            NodeId::Name(_) => node.name.as_str(),
            NodeId::Number(_) => keys[id].as_str(),
        });
        names.map(|name| name.replace(char::is_control, " ")).collect()
    }
}

fn in_words<'a>(edge: &Edge, name: impl Fn(&NodeId) -> &'a String) -> String {
    let (source, target) = (name(&edge.source), name(&edge.target));
    match (&edge.label, edge.conditional) {
        (Some(label), true) => format!("{source} -. {label} .-> {target}"),
        (Some(label), false) => format!("{source} -- {label} --> {target}"),
        (None, true) => format!("{source} -.-> {target}"),
        (None, false) => format!("{source} --> {target}"),
    }
}

/// Rows of characters, and texts over them, which may be wider than they have characters.
#[derive(Default)]
struct Canvas {
    rows: Vec<Vec<char>>,
    texts: Vec<Vec<(usize, String)>>,
}

impl Canvas {
    fn draw(&mut self, layout: Layout, names: &[String]) {
        let mut top = 0;
        // The column in which what leaves a spot leaves it.
        let mut exits: Vec<_> = layout.spots.iter().map(|spot| spot.center).collect();
        for (depth, layer) in layout.layers.iter().enumerate() {
            for &spot in layer {
                match layout.spots[spot].is_bend {
                    true => self.vertical(exits[spot], top, top + BOX - 1),
                    false => self.frame(layout.spots[spot].left(), top, layout.spots[spot].width, &names[spot]),
                }
            }
            top += BOX;
            let Some(links) = layout.links.get(depth) else { break };
            let mut nets = nets(&layout, &layout.layers[depth + 1], links, &exits);
            let tracks = tracks(&mut nets);
            let bottom = top + tracks + 1;
            for net in &nets {
                self.net(net, top, bottom);
                for &(column, target) in &net.drops {
                    match layout.spots[target].is_bend {
                        // A bend goes on where it was reached.
                        true => exits[target] = column,
                        false => self.put(column, bottom, 'v'),
                    }
                }
            }
            top = bottom + 1;
        }
    }

    fn frame(&mut self, left: usize, top: usize, width: usize, name: &str) {
        let right = left + width - 1;
        for row in [top, top + 2] {
            (left + 1..right).for_each(|column| self.put(column, row, '-'));
            [left, right].into_iter().for_each(|column| self.put(column, row, '+'));
        }
        [left, right].into_iter().for_each(|column| self.put(column, top + 1, '|'));
        let indent = (width - 2 - name.width()) / 2;
        self.texts[top + 1].push((left + 1 + indent, name.to_owned()));
    }

    /// Draws lines down from the sources, across, and down to the targets.
    fn net(&mut self, net: &Net, top: usize, bottom: usize) {
        let Some(track) = net.track else { return self.vertical(net.left(), top, bottom) };
        let row = top + 1 + track;
        for column in net.left()..=net.right() {
            // What goes down crosses over.
            if self.at(column, row) != '|' {
                self.put(column, row, '-');
            }
        }
        net.stems.iter().for_each(|&column| self.vertical(column, top, row));
        net.drops.iter().for_each(|&(column, _)| self.vertical(column, row, bottom));
        net.columns().for_each(|column| self.put(column, row, '+'));
    }

    fn vertical(&mut self, column: usize, top: usize, bottom: usize) {
        (top..=bottom).for_each(|row| self.put(column, row, '|'));
    }

    fn at(&self, column: usize, row: usize) -> char {
        self.rows.get(row).and_then(|row| row.get(column)).copied().unwrap_or(' ')
    }

    fn put(&mut self, column: usize, row: usize, character: char) {
        if self.rows.len() <= row {
            self.rows.resize(row + 1, Vec::new());
            self.texts.resize(row + 1, Vec::new());
        }
        let row = &mut self.rows[row];
        if row.len() <= column {
            row.resize(column + 1, ' ');
        }
        row[column] = character;
    }

    fn into_lines(self) -> Vec<String> {
        let line = |(row, mut texts): (Vec<char>, Vec<(usize, String)>)| {
            texts.sort_unstable();
            let (mut line, mut column) = (String::with_capacity(row.len()), 0);
            for (start, text) in texts {
                line.extend(&row[column..start]);
                line.push_str(&text);
                column = start + text.width();
            }
            line.extend(&row[column..]);
            line.trim_end().to_owned()
        };
        self.rows.into_iter().zip(self.texts).map(line).collect()
    }
}

/// Edges that are drawn as one: from one source to its targets, or from several sources to the one target of each.
#[derive(Debug)]
struct Net {
    /// The columns of the sources.
    stems: Vec<usize>,
    /// The columns at the targets, and the targets.
    drops: Vec<(usize, usize)>,
    /// The row of its horizontal part; `None` if it goes straight down.
    track: Option<usize>,
}

impl Net {
    fn columns(&self) -> impl Iterator<Item = usize> {
        self.stems.iter().copied().chain(self.drops.iter().map(|(column, _)| *column))
    }
    fn left(&self) -> usize {
        self.columns().min().unwrap_or(0)
    }
    fn right(&self) -> usize {
        self.columns().max().unwrap_or(0)
    }
    /// Where it comes from, in the mean.
    fn origin(&self) -> usize {
        self.stems.iter().sum::<usize>() / self.stems.len().max(1)
    }
}

/// The nets between two layers. No two of them use a column, so that lines cross but never run into each other.
fn nets(layout: &Layout, below: &[usize], links: &[(usize, usize)], exits: &[usize]) -> Vec<Net> {
    let (mut leaving, mut arriving) = (HashMap::<_, Vec<_>>::new(), HashMap::<_, Vec<_>>::new());
    for &(source, target) in links {
        leaving.entry(source).or_default().push(target);
        arriving.entry(target).or_default().push(source);
    }
    let mut nets: Vec<Net> = Vec::new();
    let mut net_of: HashMap<usize, usize> = HashMap::new();
    for &target in below {
        let Some(sources) = arriving.get(&target) else { continue };
        let is_join = sources.iter().all(|source| leaving[source].len() == 1);
        for source in sources {
            let known = if is_join { sources.iter().find_map(|other| net_of.get(other)) } else { net_of.get(source) };
            let net = known.copied().unwrap_or(nets.len());
            if net == nets.len() {
                nets.push(Net { stems: Vec::new(), drops: Vec::new(), track: None });
            }
            if net_of.insert(*source, net).is_none() {
                nets[net].stems.push(exits[*source]);
            }
        }
    }
    let stems: HashMap<usize, usize> =
        nets.iter().enumerate().flat_map(|(net, of)| of.stems.iter().map(move |stem| (*stem, net))).collect();
    for &target in below {
        let mut into: Vec<_> = arriving.get(&target).into_iter().flatten().map(|source| net_of[source]).collect();
        into.sort_by_key(|net| (nets[*net].origin(), *net));
        into.dedup();
        let spot = &layout.spots[target];
        let inside = if spot.is_bend {
            spot.left()..spot.left() + spot.width
        } else {
            spot.left() + 1..spot.left() + spot.width - 1
        };
        let mut used = Vec::new();
        for (place, &net) in into.iter().enumerate() {
            let is_others =
                |column: usize| used.contains(&column) || stems.get(&column).is_some_and(|other| *other != net);
            let middle = (spot.center + 4 * place + 2).saturating_sub(2 * into.len());
            // Better off the middle than round a corner.
            let straight = nets[net].stems.iter().find(|stem| stem.abs_diff(middle) <= 1);
            let wanted = straight.copied().unwrap_or(middle);
            let cost = |column: &usize| {
                let crowd = [column + 1, column.saturating_sub(1)].into_iter().filter(|next| is_others(*next)).count();
                column.abs_diff(wanted) + 3 * crowd
            };
            let column = inside.clone().filter(|column| !is_others(*column)).min_by_key(cost).unwrap_or(spot.center);
            used.push(column);
            nets[net].drops.push((column, target));
        }
    }
    nets
}

/// Gives each net that goes across the first row it has to itself there; answers how many rows that takes.
fn tracks(nets: &mut [Net]) -> usize {
    let mut across: Vec<_> = nets.iter_mut().filter(|net| net.left() < net.right()).collect();
    across.sort_by_key(|net| net.left());
    let mut ends: Vec<usize> = Vec::new();
    for net in across {
        let track = ends.iter().position(|end| end + 2 < net.left()).unwrap_or(ends.len());
        if track == ends.len() {
            ends.push(0);
        }
        ends[track] = net.right();
        net.track = Some(track);
    }
    ends.len()
}
