//! Pictures of more than can be seen end soon: with fewer cells, points or edges and a note that says so, or with the
//! limit in a sentence.

use std::time::Instant;

use glassbox::plot::{
    AttentionHeads, AttentionPattern, Bars, Figure, Heatmap, LayerGraph, LensTable, LineChart, Scatter, Series,
    TokenText, WordTable,
};
use ndarray::{Array2, Array3};

use super::{
    gallery::{matrix, noise, words},
    subset::check_subset,
};

/// A picture drawn in some seconds, of at most so many bytes, that says `note`.
fn ends(name: &str, megabytes: usize, note: &str, draw: impl FnOnce() -> glassbox::Result<Figure>) -> Figure {
    let start = Instant::now();
    let figure = draw().unwrap_or_else(|why| panic!("{name}: {why}"));
    let (svg, html, text) = (figure.to_svg(), figure.to_html(), figure.to_text());
    assert!(start.elapsed().as_secs() < 30, "{name} took {:?}", start.elapsed());
    assert!(html.len() < megabytes << 20 && text.len() < 1 << 20, "{name}: {} and {} bytes", html.len(), text.len());
    assert!(svg.contains(note), "{name} does not say {note}");
    check_subset(name, &svg);
    figure
}

fn refused(name: &str, limit: &str, draw: impl FnOnce() -> glassbox::Result<Figure>) {
    let start = Instant::now();
    let why = draw().err().unwrap_or_else(|| panic!("{name} is drawn")).to_string();
    assert!(why.contains(limit) && why.len() < 300, "{name}: {why}");
    assert!(start.elapsed().as_secs() < 30, "{name} took {:?}", start.elapsed());
}

#[test]
fn a_matrix_of_any_size_is_drawn_with_cells_that_can_be_seen() {
    let mut values = matrix(2000, 2000);
    (values[(1234, 567)], values[(1999, 0)]) = (f32::NAN, 40.0);
    let note = "Each cell is the mean of 8 by 8, of 2000 rows by 2000 columns.";
    let figure = ends("2000 by 2000", 2, note, || Heatmap::new(values).y_index("layer").x_index("head").draw());
    assert!(figure.to_svg().contains("<title>layer 1232–1239, head 560–567: NaN</title>"), "NaN stays visible");
    assert!(figure.alt().contains("2000 rows by 2000 columns; the strongest is layer 1999, head 0: 40"));
    assert!(figure.to_text().contains("layer 1999, head 0: 40"));
    ends("wide", 2, "of 12 rows by 50000 columns", || {
        Heatmap::new(matrix(12, 50_000)).x("position").x_tokens(words(50_000)).draw()
    });
    let mask = Array2::from_shape_fn((1500, 1500), |(row, column)| column > row);
    ends("masked", 2, "masked", || Heatmap::new(matrix(1500, 1500)).mask(mask).y_names(words(1500)).draw());
    refused("facets", "1000 facets at most", || Heatmap::facets((0..100_000).map(|_| ("", matrix(1, 1)))).draw());
}

#[test]
fn attention_over_a_long_text_is_drawn_by_the_largest_of_each_block() {
    let pattern =
        |n: usize| Array2::from_shape_fn((n, n), |(query, key)| f32::from(key + 1 == query || query + key == 0));
    let note = "Each cell is the largest of 8 by 8, of 2000 rows by 2000 columns.";
    let figure = ends("attention of 2000", 2, note, || AttentionPattern::new(pattern(2000), words(2000)).draw());
    assert!(figure.alt().contains("1 goes to the token before"));
    let heads = Array3::from_shape_fn((4, 1000, 1000), |(_, query, key)| f32::from(u8::from(query == key)));
    ends("heads over 1000", 4, "head 3", || AttentionHeads::new(heads, words(1000)).draw());
    refused("many heads", "512 heads at most", || {
        AttentionHeads::new(Array3::<f32>::zeros((100_000, 1, 1)), ["a"]).draw()
    });
}

#[test]
fn a_million_points_are_drawn_as_the_eye_would_see_them() {
    const N: usize = 1_000_000;
    let spike = |i: usize| if i == 700_001 { 50.0 } else { noise(i) };
    let figure = ends("line", 1, "Of 1000000 points, the first, lowest,", || {
        LineChart::new().add(Series::new("loss", (0..N).map(spike)).sd((0..N).map(noise))).x("step").draw()
    });
    assert!(figure.size().1 > 300.0);
    let gaps = (0..N).map(|i| if i % 2 == 0 { f32::NAN } else { noise(i) });
    let gaps = Series::new("a", gaps).at((0..N).map(|i| 1.0 + i as f32));
    ends("gaps", 1, "half pixel", || LineChart::new().add(gaps).log_x().draw());
    let back_and_forth = Series::new("a", (0..N).map(noise)).at((0..N).map(|i| noise(i + 7)));
    refused("back and forth", "goes back and forth", || LineChart::new().add(back_and_forth).draw());
    let lines = (0..20_000).fold(LineChart::new(), |chart, _| chart.add(Series::new("a", [1.0, 2.0])));
    refused("lines", "1000 lines at most", || lines.draw());
    let figure = ends("scatter", 6, "1000000 points; a dot stands for all within 3 px.", || {
        let point = |i: usize| (format!("p{i}"), noise(i), if i == 99 { 3.0 } else { noise(N + i) });
        Scatter::new((0..N).map(point)).x("a").y("b").draw()
    });
    assert!(figure.to_svg().contains(">p99</text>"), "the outermost keeps its name");
    assert!(figure.alt().contains("1000000 points; the highest is p99"));
}

#[test]
fn a_graph_of_many_edges_shows_the_strongest() {
    let nodes =
        (0..400).fold(LayerGraph::new(["below", "above"]), |graph, i| graph.node(format!("n{i}"), i % 2, Some(i / 2)));
    let edge = |i: usize| (format!("n{}", 2 * (i % 200)), format!("n{}", 2 * (i / 200 % 200) + 1), noise(i));
    let graph = (0..100_000).map(edge).fold(nodes, |graph, (from, to, value)| graph.edge(from, to, "k", value));
    ends("edges", 6, "The strongest 5000 of 100000 edges are drawn.", || graph.draw());
    let boxes = (0..50_000).fold(LayerGraph::new(["a"]), |graph, i| graph.node(format!("n{i}"), 0, Some(i)));
    refused("nodes", "2000 nodes at most", || boxes.draw());
}

#[test]
fn words_and_bars_without_end_are_refused_with_the_limit() {
    refused("bars", "5000 bars at most; it was given 100000", || {
        Bars::new((0..100_000).map(|i| ("a", noise(i)))).draw()
    });
    refused("tokens", "50000 tokens at most", || TokenText::new(words(100_000), vec![0.0; 100_000]).draw());
    let predictions = Array2::from_elem((25, 20_000), vec![("a".to_string(), 0.5)]);
    refused("lens", "100000 cells at most", || LensTable::new(predictions, words(20_000)).draw());
    let cells = Array2::from_elem((1000, 100), ("a".to_string(), 0.5));
    refused("words", "50000 cells at most", || WordTable::new(cells).draw());
    ends("text of 5000", 3, "a", || TokenText::new(words(5000), vec![0.5; 5000]).width(usize::MAX).draw());
}

#[test]
fn words_of_a_million_letters_are_shown_by_their_ends() {
    let long = "<&é".repeat(333_333);
    let all = |figure: glassbox::Result<Figure>| ends("long words", 1, "…", || figure);
    all(Bars::new([(&long, 1.0)]).title(&long).value(&long).draw());
    all(Heatmap::facets([(&long, matrix(1, 1))]).title(&long).value(&long).x(&long).x_names([&long]).draw());
    all(LineChart::new().title(&long).x(&long).y(&long).add(Series::new(&long, [1.0])).baseline(&long, 1.0).draw());
    all(Scatter::new([(&long, 1.0, 2.0)]).title(&long).x(&long).y(&long).draw());
    all(TokenText::new([&long], [1.0]).title(&long).value(&long).draw());
    all(LayerGraph::new([&long]).node(&long, 0, None).edge(&long, &long, &long, 1.0).title(&long).value(&long).draw());
    all(AttentionHeads::new(Array3::<f32>::ones((1, 1, 1)), [&long]).names([&long]).title(&long).draw());
    let predictions = Array2::from_elem((1, 1), vec![(long.clone(), 0.5)]);
    all(LensTable::new(predictions, [&long]).rows([&long]).title(&long).draw());
    all(WordTable::new(Array2::from_elem((1, 1), (long.clone(), 0.5)))
        .title(&long)
        .note(&long)
        .rows(&long, [&long])
        .draw());
}
