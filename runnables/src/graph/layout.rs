//! Where the nodes of a drawing go: in layers, from the top down, every edge leading from one layer to the next.

/// Columns between two neighbours of a layer.
const GAP: usize = 3;
/// How often the layers are gone through to find a good order, and again to find good columns. Odd, for the last one
/// goes down.
const SWEEPS: usize = 9;

/// A graph in layers. An edge that passes layers has a bend in each of them.
#[derive(Debug)]
pub(super) struct Layout {
    /// The nodes, by their numbers, and then the bends.
    pub(super) spots: Vec<Spot>,
    /// The numbers of the spots: from the top down, and in each layer from left to right.
    pub(super) layers: Vec<Vec<usize>>,
    /// For each layer but the last, what leads from its spots to spots of the next.
    pub(super) links: Vec<Vec<(usize, usize)>>,
    /// For each spot, what leads to it from the layer above.
    above: Vec<Vec<usize>>,
    /// For each spot, what it leads to in the layer below.
    below: Vec<Vec<usize>>,
}

/// The columns of a node or bend.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spot {
    /// Whether it is but a bend of an edge.
    pub(super) is_bend: bool,
    /// How many columns it takes.
    pub(super) width: usize,
    /// The one in the middle.
    pub(super) center: usize,
}

impl Spot {
    /// The first of its columns.
    pub(super) fn left(&self) -> usize {
        self.center - self.width / 2
    }
}

/// The layer of each node, below all it depends on; and of each edge, whether it closes a circle and leads back up.
pub(super) fn depths(nodes: usize, edges: &[(usize, usize)]) -> (Vec<usize>, Vec<bool>) {
    let mut leaving = vec![Vec::new(); nodes];
    let mut awaited = vec![0_usize; nodes];
    for (edge, &(source, target)) in edges.iter().enumerate() {
        leaving[source].push(edge);
        awaited[target] += 1;
    }
    let (mut depths, mut closing) = (vec![0; nodes], vec![false; edges.len()]);
    let (mut is_reached, mut is_done) = (vec![false; nodes], vec![false; nodes]);
    let mut ready: Vec<_> = (0..nodes).filter(|&node| awaited[node] == 0).collect();
    // Where all that is left waits for each other, a circle is entered where it was reached.
    let entry = |is_reached: &[bool], is_done: &[bool]| {
        let left = || (0..nodes).filter(|&node| !is_done[node]);
        left().find(|&node| is_reached[node]).or_else(|| left().next())
    };
    while let Some(node) = ready.pop().or_else(|| entry(&is_reached, &is_done)) {
        is_done[node] = true;
        for &edge in &leaving[node] {
            let target = edges[edge].1;
            if is_done[target] {
                closing[edge] = true;
                continue;
            }
            is_reached[target] = true;
            depths[target] = depths[target].max(depths[node] + 1);
            awaited[target] -= 1;
            if awaited[target] == 0 {
                ready.push(target);
            }
        }
    }
    (depths, closing)
}

/// Lays out nodes with texts of these widths, in layers of these depths. Edges lead down.
pub(super) fn layout(text_widths: &[usize], depths: &[usize], edges: &[(usize, usize)]) -> Layout {
    let mut leaving = vec![0_usize; text_widths.len()];
    edges.iter().for_each(|(source, _)| leaving[*source] += 1);
    // What comes from a fork arrives beside the others, what does not is joined with them before.
    let is_apart = |edge: &(usize, usize)| leaving[edge.0] > 1 && depths[edge.0] + 1 == depths[edge.1];
    let mut arriving = vec![0_usize; text_widths.len()];
    let mut apart = vec![false; text_widths.len()];
    for edge in edges {
        arriving[edge.1] += 1;
        apart[edge.1] |= is_apart(edge);
    }
    let ports = |node: usize| if apart[node] { arriving[node] } else { 1 };
    let width = |node: usize| (text_widths[node] + 4).max(4 * ports(node) + 1);
    let spots = (0..text_widths.len()).map(|node| Spot { is_bend: false, width: width(node), center: 0 });
    let count = depths.iter().max().map_or(0, |deepest| deepest + 1);
    let mut layout = Layout {
        spots: spots.collect(),
        layers: vec![Vec::new(); count],
        links: vec![Vec::new(); count.saturating_sub(1)],
        above: Vec::new(),
        below: Vec::new(),
    };
    depths.iter().enumerate().for_each(|(node, depth)| layout.layers[*depth].push(node));
    for &(source, target) in edges {
        let mut from = source;
        for depth in depths[source] + 1..depths[target] {
            let bend = layout.spots.len();
            layout.spots.push(Spot { is_bend: true, width: 3, center: 0 });
            layout.layers[depth].push(bend);
            layout.links[depth - 1].push((from, bend));
            from = bend;
        }
        layout.links[depths[target] - 1].push((from, target));
    }
    (layout.above, layout.below) = (vec![Vec::new(); layout.spots.len()], vec![Vec::new(); layout.spots.len()]);
    for &(above, below) in layout.links.iter().flatten() {
        layout.below[above].push(below);
        layout.above[below].push(above);
    }
    layout.untangle();
    layout.place();
    layout
}

impl Layout {
    /// Orders each layer by the middle of its neighbours, and keeps the order in which the fewest edges cross.
    fn untangle(&mut self) {
        let mut best = (self.crossings(), self.layers.clone());
        for sweep in 0..SWEEPS {
            if best.0 == 0 {
                break;
            }
            for (layer, toward) in self.passage(sweep) {
                let places = self.places();
                let middle = |spot: usize| self.middle(layer, toward, spot, |next| places[next] as f64);
                let mut order: Vec<_> = self.layers[layer].iter().map(|&spot| (middle(spot), spot)).collect();
                order.iter_mut().for_each(|(middle, spot)| _ = middle.get_or_insert(places[*spot] as f64));
                order.sort_by(|(a, _), (b, _)| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal));
                self.layers[layer] = order.into_iter().map(|(_, spot)| spot).collect();
            }
            let crossings = self.crossings();
            if crossings < best.0 {
                best = (crossings, self.layers.clone());
            }
        }
        self.layers = best.1;
    }

    /// Moves each spot to the middle of its neighbours, as far as there is room.
    fn place(&mut self) {
        let mut centers = vec![0.0; self.spots.len()];
        for layer in 0..self.layers.len() {
            self.fit(layer, &mut centers, |_| None);
        }
        for (layer, toward) in (0..SWEEPS).flat_map(|sweep| self.passage(sweep)).collect::<Vec<_>>() {
            let old = centers.clone();
            self.fit(layer, &mut centers, |spot| self.middle(layer, toward, spot, |next| old[next]));
        }
        let left = |(spot, center): (&Spot, &f64)| center.round() as i64 - (spot.width / 2) as i64;
        let margin = self.spots.iter().zip(&centers).map(left).min().unwrap_or(0);
        for layer in &self.layers {
            let mut free = 0;
            for &spot in layer {
                let half = self.spots[spot].width / 2;
                // Rounding may have taken a column of the gap.
                let center = ((centers[spot].round() as i64 - margin) as usize).max(free + half);
                self.spots[spot].center = center;
                free = center - half + self.spots[spot].width + GAP;
            }
        }
    }

    /// The layers in the order of a sweep, down or up, each with the one that was before it.
    fn passage(&self, sweep: usize) -> Vec<(usize, usize)> {
        let down = (1..self.layers.len()).map(|layer| (layer, layer - 1));
        if sweep.is_multiple_of(2) { down.collect() } else { down.map(|(layer, above)| (above, layer)).rev().collect() }
    }

    /// The mean of what a spot's neighbours in the layer `toward` are at.
    fn middle(&self, layer: usize, toward: usize, spot: usize, at: impl Fn(usize) -> f64) -> Option<f64> {
        let neighbours = if toward < layer { &self.above[spot] } else { &self.below[spot] };
        let sum: f64 = neighbours.iter().map(|next| at(*next)).sum();
        (!neighbours.is_empty()).then(|| sum / neighbours.len() as f64)
    }

    /// Puts a layer's spots as near as can be to where they are wanted, in their order and without overlap: by least
    /// squares, pooling neighbours that push each other.
    fn fit(&self, layer: usize, centers: &mut [f64], wanted: impl Fn(usize) -> Option<f64>) {
        let (mut offset, mut offsets) = (0, Vec::with_capacity(self.layers[layer].len()));
        // Of each pool: the mean of where it is wanted, its weight, and how many spots it has.
        let mut pools: Vec<(f64, f64, usize)> = Vec::new();
        for &spot in &self.layers[layer] {
            let Spot { width, is_bend, .. } = self.spots[spot];
            offset += width / 2;
            offsets.push(offset as f64);
            // Long edges should be straight.
            let weight = if is_bend { 4.0 } else { 1.0 };
            let mut pool = (wanted(spot).unwrap_or(centers[spot]) - offset as f64, weight, 1);
            while let Some(left) = pools.pop_if(|left| left.0 > pool.0) {
                let weight = left.1 + pool.1;
                pool = ((left.0 * left.1 + pool.0 * pool.1) / weight, weight, left.2 + pool.2);
            }
            pools.push(pool);
            offset += width - width / 2 + GAP;
        }
        let places = pools.into_iter().flat_map(|(place, _, count)| std::iter::repeat_n(place, count));
        for ((&spot, place), offset) in self.layers[layer].iter().zip(places).zip(offsets) {
            centers[spot] = place + offset;
        }
    }

    /// The place of each spot in its layer.
    fn places(&self) -> Vec<usize> {
        let mut places = vec![0; self.spots.len()];
        for layer in &self.layers {
            layer.iter().enumerate().for_each(|(place, spot)| places[*spot] = place);
        }
        places
    }

    fn crossings(&self) -> usize {
        let places = self.places();
        let crossings = self.links.iter().map(|links| {
            let mut ends: Vec<_> = links.iter().map(|(above, below)| (places[*above], places[*below])).collect();
            ends.sort_unstable();
            let mut before = Vec::with_capacity(ends.len());
            let crossed = ends.iter().map(|(_, below)| {
                let at = before.partition_point(|other| other <= below);
                before.insert(at, *below);
                before.len() - 1 - at
            });
            crossed.sum::<usize>()
        });
        crossings.sum()
    }
}
