//! [`LayerGraph`]: named nodes in layers, and weighted edges that point upwards.

mod ends;

use std::fmt::Display;

use self::ends::Ends;
use super::{data::Numeric, figure::Figure};
use crate::{
    Result,
    error::PlotError,
    order::by_size,
    plot::{
        check_count,
        drawing::{
            canvas::{Canvas, heading_height},
            color::{ACCENT, FAINT, INK, MUTED, PAPER, RULE, Rgb, WARM},
            mark::Mark,
            page::{LABEL, MARGIN, NOTE},
        },
    },
    printable::{columns, fit, headline, line, number, or, pad, pad_left, printable, text_width},
};

/// A graph in layers, the first at the bottom. Boxes are nodes with names. The width of an edge is the size of its
/// value, its colour the sign: blue for positive, red for negative. The tooltip of an edge gives its value; that of a
/// box lists its edges.
///
/// # Examples
/// ```
/// use glassbox::plot::LayerGraph;
/// let figure = LayerGraph::new(["layer 0", "layer 1", "output"])
///     .node("a0.h0", 0, Some(0))
///     .node("a1.h0", 1, Some(0))
///     .node("logits", 2, None)
///     .edge("a0.h0", "a1.h0", "k", 0.9)
///     .edge("a1.h0", "logits", "", 1.1)
///     .title("Induction")
///     .draw()?;
/// assert!(figure.to_svg().contains("<title>a0.h0 → a1.h0.k: 0.9</title>"));
/// # Ok::<(), glassbox::Error>(())
/// ```
///
/// <div>
#[doc = include_str!("../../tests/golden/graph.svg")]
/// </div>
#[derive(Clone)]
#[must_use = "a graph is drawn by `.draw()`"]
pub struct LayerGraph {
    rows: Vec<String>,
    nodes: Vec<Node>,
    edges: Vec<Edge>,
    title: String,
    value: String,
}

#[derive(Clone, Debug)]
struct Node {
    name: String,
    row: usize,
    column: Option<usize>,
}

#[derive(Clone, Debug)]
struct Edge {
    from: String,
    to: String,
    port: String,
    value: f32,
}

const PICTURE: &str = "a graph in layers";
/// The most boxes, the most layers, and the most edges drawn (the strongest).
const NODES: usize = 2000;
const EDGES: usize = 5000;
/// The size of a box, the least distance between boxes, and the distance between rows.
const BOX: (f64, f64) = (58.0, 24.0);
const PITCH: f64 = 72.0;
const RISE: f64 = 66.0;
/// The ports where edges enter a box: their distance, and the size of their letters.
const PORT: f64 = 16.0;
const PORT_LETTER: f64 = 10.0;
const WIDEST: f64 = 5.0;
const THINNEST: f64 = 0.8;
/// The most edges listed in a box's tooltip; the rest are counted.
const TOLD: usize = 8;

impl LayerGraph {
    /// An empty graph of these layers, the lowest first. Layers without nodes are not drawn.
    pub fn new(layers: impl IntoIterator<Item = impl Display>) -> Self {
        let rows = layers.into_iter().map(|name| printable(&name.to_string())).collect();
        Self { rows, nodes: Vec::new(), edges: Vec::new(), title: String::new(), value: String::new() }
    }

    /// Adds a box to a layer, in a column counted from the left, or in the middle. Empty columns take no room.
    pub fn node(mut self, name: impl Into<String>, layer: usize, column: Option<usize>) -> Self {
        self.nodes.push(Node { name: printable(&name.into()), row: layer, column });
        self
    }

    /// Adds an edge between two boxes; `port` is a letter for where it enters, or empty.
    pub fn edge(
        mut self,
        from: impl Into<String>,
        to: impl Into<String>,
        port: impl Into<String>,
        value: impl Numeric,
    ) -> Self {
        let [from, to] = [from.into(), to.into()].map(|text| printable(&text));
        let port = port.into();
        let port = if port.is_empty() { port } else { printable(&port) };
        self.edges.push(Edge { from, to, port, value: value.to_f32() });
        self
    }

    /// The heading.
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.title = line(title.into());
        self
    }

    /// The name of the values.
    pub fn value(mut self, name: impl Into<String>) -> Self {
        self.value = line(name.into());
        self
    }

    /// Draws the picture. If there are more than 5000 edges, the strongest are drawn; a note says so.
    ///
    /// # Errors
    /// When there are no nodes or more than 2000, an edge names a node that does not exist, or a node's layer does not
    /// exist.
    pub fn draw(&self) -> Result<Figure> {
        if self.nodes.is_empty() {
            return Err(PlotError::Empty { picture: PICTURE, what: "there are no nodes" }.into());
        }
        if let Some(node) = self.nodes.iter().find(|node| node.row >= self.rows.len()) {
            return Err(PlotError::Layer { node: node.name.clone(), layer: node.row, layers: self.rows.len() }.into());
        }
        check_count(PICTURE, "nodes", self.nodes.len(), NODES)?;
        check_count(PICTURE, "layers", self.rows.len(), NODES)?;
        let places = self.places();
        let largest = self.largest();
        let note = self.note();
        // The weakest first, so that the strongest are on top.
        let mut order: Vec<&Edge> = self.edges.iter().collect();
        order.sort_by(|a, b| by_size(b.value, a.value));
        order.drain(..order.len().saturating_sub(EDGES));
        let ends = self.ends(&order)?;
        let middle = places.iter().map(|at| at.0).sum::<f64>() / places.len() as f64;
        let way = |edge: &Edge| {
            let (from, into) = (ends.get(edge.from.as_str())?, ends.get(edge.to.as_str())?);
            let (from, to) = (places[from.node], places[into.node]);
            Some(curve(from, (to.0 + offset(&into.ports, &edge.port), to.1), middle))
        };
        let curves: Vec<_> = order.into_iter().filter_map(|edge| Some((edge, way(edge)?))).collect();
        let reach = curves.iter().flat_map(|(_, curve)| curve).map(|at| at.0).fold(0.0, f64::max);
        let width = places.iter().map(|at| at.0 + BOX.0 / 2.0).fold(reach, f64::max) + MARGIN;
        let bottom = places.iter().map(|at| at.1).fold(0.0, f64::max) + BOX.1 + 8.0;
        let canvas = Canvas::headed(&self.title, &note, width, bottom + NOTE + MARGIN);
        for (row, name) in self.rows.iter().enumerate() {
            if let Some(at) = self.nodes.iter().position(|node| node.row == row) {
                canvas.put(Mark::text((MARGIN, places[at].1), fit(name, 12), LABEL).fill(MUTED));
            }
        }
        for (edge, curve) in curves {
            let (color, width) = stroke(edge.value, largest);
            canvas.put(Mark::line(curve).stroke(color, width).round().title(told(edge)));
        }
        let none = Ends::default();
        for (node, &(x, y)) in self.nodes.iter().zip(&places) {
            let corner = (x - BOX.0 / 2.0, y - BOX.1 / 2.0);
            let outline = Mark::rect(corner, (corner.0 + BOX.0, corner.1 + BOX.1)).fill(PAPER).stroke(FAINT, 1.0);
            let Ends { ports, edges, .. } = ends.get(node.name.as_str()).unwrap_or(&none);
            let at = (x, if ports.is_empty() { y } else { y - 4.5 });
            let name = Mark::text(at, fit(&node.name, 8), LABEL).fill(INK).middle();
            let letter = |port: &String| {
                let at = (x + offset(ports, port), y + BOX.1 / 2.0 - 5.5);
                Mark::text(at, fit(port, 2), PORT_LETTER).fill(MUTED).middle()
            };
            let letters: Vec<Mark> = ports.iter().map(letter).collect();
            canvas.group(story(&node.name, edges), [outline, name].into_iter().chain(letters));
        }
        canvas.note((MARGIN, bottom + NOTE / 2.0), &note);
        canvas.finish(self.alt(), self.plain())
    }

    /// The middle of each box.
    fn places(&self) -> Vec<(f64, f64)> {
        let mut columns: Vec<usize> = self.nodes.iter().filter_map(|node| node.column).collect();
        columns.sort_unstable();
        columns.dedup();
        let used: Vec<usize> =
            (0..self.rows.len()).filter(|row| self.nodes.iter().any(|node| node.row == *row)).collect();
        let left = MARGIN + self.rows.iter().map(|row| text_width(&fit(row, 12), LABEL)).fold(0.0, f64::max) + 30.0;
        let left = left + PITCH / 2.0;
        let top = MARGIN + heading_height(&self.title) + BOX.1 / 2.0;
        let middle = left + PITCH * columns.len().saturating_sub(1) as f64 / 2.0;
        let place = |node: &Node| {
            let column = node.column.and_then(|column| columns.iter().position(|have| *have == column));
            let row = used.iter().position(|row| *row == node.row).unwrap_or(0);
            let x = column.map_or(middle, |column| left + PITCH * column as f64);
            (x, top + RISE * (used.len() - 1 - row) as f64)
        };
        self.nodes.iter().map(place).collect()
    }

    fn largest(&self) -> f32 {
        self.edges.iter().map(|edge| edge.value.abs()).filter(|value| value.is_finite()).fold(0.0, f32::max)
    }

    fn note(&self) -> String {
        let largest = self.largest();
        if largest == 0.0 {
            return String::new();
        }
        let value = fit(or(&self.value, "value"), 60);
        let all = self.edges.len();
        let drawn =
            if all > EDGES { format!(" The strongest {EDGES} of {all} edges are drawn.") } else { String::new() };
        format!("The wider, the larger: {value}, {} at most. Blue raises it, red lowers it.{drawn}", number(largest))
    }

    fn alt(&self) -> String {
        let strongest = self.edges.iter().min_by(|a, b| by_size(a.value, b.value));
        let strongest = strongest.map(|edge| format!("; the strongest is {}", told(edge))).unwrap_or_default();
        format!("{}: {} nodes, {} edges{strongest}.", or(&self.title, "A graph"), self.nodes.len(), self.edges.len())
    }

    /// The edges as text, strongest first.
    fn plain(&self) -> String {
        const LINES: usize = 20;
        let mut edges: Vec<&Edge> = self.edges.iter().collect();
        edges.sort_by(|a, b| by_size(a.value, b.value));
        let names: Vec<String> = edges.iter().map(|edge| named(edge)).collect();
        let width = names.iter().take(LINES).map(|name| columns(name)).max().unwrap_or(0);
        let line =
            |(name, edge): (&String, &&Edge)| format!("{}  {}\n", pad(name, width), pad_left(&number(edge.value), 9));
        let body: String = names.iter().zip(&edges).take(LINES).map(line).collect();
        let more = edges.len().saturating_sub(LINES);
        let rest = if more > 0 { format!("and {more} more\n") } else { String::new() };
        let empty = if edges.is_empty() { format!("{} nodes, no edges\n", self.nodes.len()) } else { String::new() };
        headline(&self.title) + &body + &rest + &empty
    }
}

/// The colour and width of an edge; grey if no edge has a value.
fn stroke(value: f32, largest: f32) -> (Rgb, f64) {
    if largest == 0.0 || !value.is_finite() {
        return (FAINT, 1.5);
    }
    let width = THINNEST + (WIDEST - THINNEST) * f64::from((value / largest).abs());
    let color = if value == 0.0 {
        RULE
    } else if value > 0.0 {
        ACCENT
    } else {
        WARM
    };
    (color, (width * 100.0).round() / 100.0)
}

/// The tooltip of a box: its edges, strongest first.
fn story(name: &str, edges: &[&Edge]) -> String {
    let mut own = edges.to_vec();
    own.sort_by(|a, b| by_size(a.value, b.value));
    let lines = own.iter().take(TOLD).map(|edge| format!("\n{}", told(edge)));
    let more = own.len().saturating_sub(TOLD);
    let rest = if more > 0 { format!("\nand {more} more") } else { String::new() };
    format!("{name}{}{rest}", lines.collect::<String>())
}

/// The distance from the middle of a box to the point where an edge enters.
fn offset(ports: &[String], port: &str) -> f64 {
    let at = ports.iter().position(|have| have == port);
    at.map_or(0.0, |at| PORT * (at as f64 - (ports.len() - 1) as f64 / 2.0))
}

fn named(edge: &Edge) -> String {
    let port = if edge.port.is_empty() { String::new() } else { format!(".{}", edge.port) };
    format!("{} → {}{port}", edge.from, edge.to)
}

fn told(edge: &Edge) -> String {
    format!("{}: {}", named(edge), number(edge.value))
}

/// A curve from the top of one box to the bottom of another that leaves and arrives vertically. If one end is above the
/// other, boxes may lie between them, so the curve bends to the side of its port, or away from `middle`.
fn curve(from: (f64, f64), to: (f64, f64), middle: f64) -> Vec<(f64, f64)> {
    const STEPS: usize = 24;
    let (from, to) = ((from.0, from.1 - BOX.1 / 2.0), (to.0, to.1 + BOX.1 / 2.0));
    let rise = from.1 - to.1;
    let passes = rise > RISE && (from.0 - to.0).abs() < BOX.0 / 2.0;
    let leftwards = if from.0 == to.0 { from.0 < middle } else { to.0 < from.0 };
    let bend = match passes {
        // The names of the layers are at the left.
        true if leftwards => -(0.7 * PITCH + 4.0 * rise / RISE).min(1.2 * PITCH),
        true => (0.6 * PITCH + 10.0 * rise / RISE).min(2.5 * PITCH),
        false => 0.0,
    };
    let (out, into) = ((from.0 + bend, from.1 - 0.5 * rise), (to.0 + bend, to.1 + 0.5 * rise));
    let at = |step: usize| {
        let t = step as f64 / STEPS as f64;
        let weights = [(1.0 - t).powi(3), 3.0 * t * (1.0 - t).powi(2), 3.0 * t * t * (1.0 - t), t.powi(3)];
        let points = [from, out, into, to];
        let sum =
            |axis: fn((f64, f64)) -> f64| weights.iter().zip(points).map(|(weight, point)| weight * axis(point)).sum();
        (sum(|point| point.0), sum(|point| point.1))
    };
    (0..=STEPS).map(at).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_leave_and_arrive_upright_and_pass_beside_boxes_between() {
        let straight = curve((0.0, 200.0), (0.0, 200.0 - RISE), 10.0);
        assert!(straight.iter().all(|at| at.0 == 0.0));
        let passing = curve((0.0, 300.0), (0.0, 300.0 - 3.0 * RISE), 10.0);
        assert!(passing[12].0 < -BOX.0 / 2.0, "{:?}", passing[12]);
        assert_eq!((passing[0], passing[24]), ((0.0, 288.0), (0.0, 300.0 - 3.0 * RISE + 12.0)));
    }

    #[test]
    fn queries_enter_left_of_keys_and_keys_left_of_values() {
        let graph = ["v", "k", "q"]
            .iter()
            .fold(LayerGraph::new(["a", "b"]).node("x", 0, None).node("y", 1, None), |graph, port| {
                graph.edge("x", "y", *port, 1.0)
            });
        let ports = &graph.ends(&graph.edges.iter().collect::<Vec<_>>()).unwrap()["y"].ports;
        assert_eq!(ports, &["q", "k", "v"]);
        assert_eq!(offset(ports, "q"), -PORT);
    }

    #[test]
    fn what_is_not_there_is_named() {
        let graph = LayerGraph::new(["a"]).node("x", 0, None).edge("x", "z", "", 1.0);
        assert!(graph.draw().unwrap_err().to_string().contains("`z`"));
        let error = LayerGraph::new(["a"]).node("x", 3, None).draw().unwrap_err().to_string();
        assert!(error.contains("layer 3"), "{error}");
    }
}
