//! Pictures of every kind, and of awkward data.

use glassbox::plot::{
    AttentionHeads, AttentionPattern, Bars, Figure, Heatmap, LayerGraph, LensTable, LineChart, Palette, Scatter,
    Series, SoundPicture, Statistic, TokenText, WordTable, column, row, tabs,
};
use ndarray::{Array2, Array3};

/// Tokens that would break a careless picture.
pub const ODD: [&str; 14] = [
    "</svg><script>alert(1)</script>",
    "<bos>",
    "\n",
    "\n\n",
    "\t",
    "\0\x1b\u{7f}",
    "東京タワー",
    "\u{301}e\u{301}",
    "שלום",
    "\u{202e}evil",
    "a very long token that never comes to an end",
    "",
    "👩‍👩‍👧‍👧",
    "\"quoted\" & 'so'",
];

pub const TOKENS: [&str; 5] = ["When", " Mary", " and", " Mary", " went"];

/// Numbers that look random and are the same everywhere.
pub fn noise(i: usize) -> f32 {
    let mixed = (i as u32).wrapping_mul(2_654_435_761).rotate_left(13).wrapping_mul(2_246_822_519);
    (mixed >> 8) as f32 / (1 << 24) as f32
}

pub fn matrix(rows: usize, columns: usize) -> Array2<f32> {
    Array2::from_shape_fn((rows, columns), |(r, c)| noise(r * columns + c) - 0.5)
}

/// A causal pattern whose rows sum to 1.
pub fn pattern(n: usize, seed: usize) -> Array2<f32> {
    let weight =
        |query: usize, key: usize| if key > query { 0.0 } else { noise(seed + query * n + key).powi(4) + 1e-3 };
    let sum = |query: usize| (0..n).map(|key| weight(query, key)).sum::<f32>();
    Array2::from_shape_fn((n, n), |(query, key)| weight(query, key) / sum(query))
}

pub fn patterns(heads: usize, n: usize) -> Array3<f32> {
    let each: Vec<_> = (0..heads).map(|head| pattern(n, 1000 * head)).collect();
    Array3::from_shape_fn((heads, n, n), |(head, query, key)| each[head][(query, key)])
}

pub fn words(n: usize) -> Vec<String> {
    (0..n).map(|i| TOKENS[i % TOKENS.len()].to_string()).collect()
}

pub fn lens(layers: usize, positions: usize) -> LensTable {
    let predictions = Array2::from_shape_fn((layers + 1, positions), |(layer, position)| {
        let p = (layer as f32 + 1.0) / (layers as f32 + 2.0) * (0.5 + noise(layer * positions + position) / 2.0);
        vec![(TOKENS[(position + layer / 2) % 5].to_string(), p), (" the".to_string(), (1.0 - p) / 2.0)]
    });
    LensTable::new(predictions, words(positions)).title("Logit lens").target(" Mary")
}

pub fn chart() -> LineChart {
    LineChart::new()
        .title("Is the subject plural?")
        .x("layer")
        .y("accuracy")
        .add(Series::new("train", [0.55, 0.8, 0.98, 1.0]))
        .add(Series::new("test", [0.52, 0.7, 0.91, 0.93]).sd([0.04, 0.03, 0.02, 0.02]))
        .add(Series::new("shuffled", [0.5, f32::NAN, 0.49, 0.51]))
        .baseline("chance", 0.5)
        .baseline("majority", 0.52)
}

pub fn word_table(rows: usize, columns: usize, words: &[&str]) -> WordTable {
    let cell = |(row, column): (usize, usize)| {
        (words[(row * columns + column) % words.len()].to_string(), noise(row * columns + column))
    };
    WordTable::new(Array2::from_shape_fn((rows, columns), cell)).value("logit")
}

pub fn scatter(points: usize) -> Scatter {
    let point = |i| (format!("L{}H{}", i / 12, i % 12), noise(2 * i).powi(3), noise(2 * i + 1).powi(3) - 0.2);
    Scatter::new((0..points).map(point)).x("previous token").y("K-composition")
}

/// A circuit of so many edges, as a model of 12 heads in each of `layers` might have one.
pub fn graph(layers: usize, edges: usize) -> LayerGraph {
    let rows = (0..layers).flat_map(|layer| [format!("layer {layer}"), format!("MLP {layer}")]);
    let names = std::iter::once("input".to_string()).chain(rows).chain(["output".to_string()]);
    let pick = |i: usize, n: usize| ((noise(i) * n as f32) as usize).min(n - 1);
    // A place in a layer: one of 12 heads, or the MLP.
    let node = |layer: usize, place: usize| match place {
        0..12 => (format!("a{layer}.h{place}"), 1 + 2 * layer, Some(place)),
        _ => (format!("m{layer}"), 2 + 2 * layer, Some(12)),
    };
    let mut nodes = vec![("embed".to_string(), 0, None), ("logits".to_string(), 1 + 2 * layers, None)];
    let mut drawn = Vec::new();
    for i in 0..edges {
        let (low, high) = (pick(7 * i, layers), pick(7 * i + 1, layers));
        let from = if i % 9 == 0 { nodes[0].clone() } else { node(low.min(high), pick(7 * i + 2, 14)) };
        let to = if i % 7 == 0 { nodes[1].clone() } else { node(low.max(high), pick(7 * i + 3, 14)) };
        let port = if to.0.starts_with('a') { ["q", "k", "v"][i % 3] } else { "" };
        if from.1 < to.1 && from.1 != to.1 {
            drawn.push((from.0.clone(), to.0.clone(), port, noise(7 * i + 4).powi(3) - 0.2));
            nodes.extend([from, to]);
        }
    }
    nodes.sort_by_key(|node| (node.1, node.2));
    nodes.dedup();
    let graph =
        nodes.into_iter().fold(LayerGraph::new(names), |graph, (name, row, column)| graph.node(name, row, column));
    drawn.into_iter().fold(graph, |graph, (from, to, port, value)| graph.edge(from, to, port, value))
}

/// A sound with a spectrogram of so many columns, and a tier of these words.
fn sound(columns: usize, words: &[&str]) -> SoundPicture {
    let wave = (0..4000).map(|t| noise(t) * (t as f32 / 600.0).sin());
    let step = 0.25 / words.len() as f32;
    let intervals = words.iter().enumerate().map(|(i, &word)| (step * i as f32, step * (i + 1) as f32, word));
    SoundPicture::new(wave, 16_000).spectrogram(matrix(6, columns)).tier("words", intervals)
}

/// Every kind of picture, by the name of its golden file.
pub fn gallery() -> Vec<(&'static str, Figure)> {
    let bars = Bars::tokens([(" Mary", 0.71), (" John", 0.18), ("\n", 0.01)]).title("Next token").value("probability");
    let signed = Bars::new([("embed", 0.4), ("attn 0", -1.7), ("mlp 0", f32::NAN), ("bias", f32::INFINITY)]);
    let mut scores = matrix(4, 3) * 2.0;
    scores[(1, 1)] = f32::NAN;
    let entropy = Array2::from_shape_fn((4, 5), |(layer, position)| 6.0 - layer as f32 - noise(position));
    let names = ["embed", "0_mid", "1_pre", "1_mid", "final"];
    let by_k = (0..12).fold(LineChart::new().title("Neurons needed").x("k").y("F1").log_x(), |chart, layer| {
        let f1 = [1, 2, 4, 8].map(|k| (0.4 + 0.03 * layer as f32) * (1.0 + 0.1 * k as f32).ln_1p());
        chart.add(Series::new(format!("layer {layer}"), f1).at([1.0, 2.0, 4.0, 8.0]))
    });
    let figures = [
        ("attention", AttentionPattern::new(pattern(5, 1), TOKENS).title("L2H1").draw()),
        ("heads", AttentionHeads::new(patterns(3, 5), TOKENS).title("Layer 2").draw()),
        (
            "patching",
            Heatmap::facets([("resid_pre", matrix(4, 5)), ("mlp_out", matrix(4, 5) * 0.5)])
                .title("Patching by component")
                .value("effect")
                .y_index("layer")
                .x("position")
                .x_tokens(TOKENS)
                .upward()
                .draw(),
        ),
        (
            "scores",
            Heatmap::new(scores)
                .title("Head scores")
                .y_names(["L0", "L1", "L2", "L3"])
                .x_index("head")
                .mask(Array2::from_shape_fn((4, 3), |at| at == (3, 2)))
                .palette(Palette::RedBlue)
                .range(-0.8, 0.8)
                .draw(),
        ),
        ("graph", graph(3, 12).title("A circuit").value("logit difference recovered").draw()),
        ("lens", lens(3, 5).draw()),
        ("lens_entropy", lens(3, 5).statistic(Statistic::Entropy, entropy).draw()),
        ("line", chart().draw()),
        (
            "line_named",
            LineChart::new().x("after").x_names(names).add(Series::new("Δ", [0.0, -0.2, 0.4, 1.1, 2.0])).draw(),
        ),
        ("line_many", by_k.draw()),
        ("bars", bars.draw()),
        ("bars_signed", signed.title("Contributions").value("logit difference").draw()),
        ("sound", sound(20, &TOKENS).frequencies([(0.0, "0 Hz"), (6.0, "5000 Hz")]).title("A sound").draw()),
        ("scatter", scatter(24).title("Two scores").draw()),
        (
            "words",
            word_table(2, 5, &TOKENS)
                .title("Singular vectors")
                .rows("direction", ["σ 3.1", "σ 2.2"])
                .columns("rank", ["+1", "+2", "+3", "−2", "−1"])
                .note("The ends of a direction.")
                .draw(),
        ),
        ("text", TokenText::new(TOKENS, [0.1, -0.4, f32::NAN, 0.9, 0.0]).title("Attribution").value("gradient").draw()),
    ];
    let mut gallery: Vec<_> = figures.into_iter().map(|(name, figure)| (name, figure.unwrap())).collect();
    let part = |name: &str| gallery.iter().find(|(other, _)| *other == name).unwrap().1.clone();
    let composed = column([row([part("bars"), part("bars_signed")]), part("line")]);
    let tabbed = tabs([("bars", part("bars")), ("</style><b>", part("text"))]);
    gallery.push(("composed", composed));
    gallery.push(("tabs", tabbed));
    gallery
}

/// The same kinds of picture of awkward data: odd tokens, one token, many tokens, no contrast, no numbers.
pub fn awkward() -> Vec<(String, Figure)> {
    let mut out = Vec::new();
    let mut add = |name: &str, figure: glassbox::Result<Figure>| out.push((name.to_string(), figure.unwrap()));
    let n = ODD.len();
    add("odd attention", AttentionPattern::new(pattern(n, 1), ODD).title("<b>&").draw());
    add("odd heads", AttentionHeads::new(patterns(2, n), ODD).names(["</style>", "\n"]).draw());
    add("odd heatmap", Heatmap::new(matrix(n, n)).x("<x>").x_tokens(ODD).y("<y>").y_names(ODD).value("<v>").draw());
    add("odd text", TokenText::new(ODD, (0..n).map(noise)).value("<v>").title("<t>").width(20).draw());
    add("odd bars", Bars::new(ODD.map(|label| (label, 1.0))).title("<t>").draw());
    add("odd line", LineChart::new().x_names(ODD).add(Series::new("</svg>", (0..n).map(noise))).draw());
    let odd = Array2::from_shape_fn((2, n), |(_, position)| vec![(ODD[position].to_string(), 0.5)]);
    add("odd lens", LensTable::new(odd, ODD).target(ODD[0]).rows(["</svg>", "\n\n"]).draw());
    add("odd words", word_table(2, n, &ODD).rows("<y>", ["</svg>", "\n"]).columns("<x>", ODD).title("<t>").draw());
    add(
        "odd scatter",
        Scatter::new((0..n).map(|i| (ODD[i], noise(i), noise(n + i)))).x("<x>").y("<y>").title("<t>").draw(),
    );
    let odd = ODD.iter().enumerate().fold(LayerGraph::new(["</svg>", "<y>"]), |graph, (i, &name)| {
        graph.node(format!("{i}{name}"), i % 2, Some(i / 2))
    });
    let edge = |i: usize| (format!("{i}{}", ODD[i]), format!("{}{}", i + 1, ODD[i + 1]), ODD[i]);
    let odd = [0, 2, 4, 6, 8, 10].map(edge).into_iter().fold(odd, |graph, (a, b, port)| graph.edge(a, b, port, 1.0));
    add("odd graph", odd.title("<t>").value("<v>").draw());
    add("odd sound", sound(20, &ODD).tier("</svg>", [(0.0, 0.25, ODD[0])]).title("<t>").note("<n>").draw());
    let long = "a name that goes on and on ".repeat(8);
    let wordy = Heatmap::facets([(long.as_str(), matrix(1, 1)), ("b", matrix(1, 1))]).title(&long).value(&long);
    add("wordy heatmap", wordy.x_index(&long).y_index(&long).draw());
    add("wordy bars", Bars::new([(&long, 1.0)]).title(&long).value(&long).draw());
    add("wordy line", LineChart::new().title(&long).x(&long).y(&long).add(Series::new(&long, [1.0])).draw());
    let table = word_table(1, 1, &[&long]).title(&long).note(&long).value(&long);
    add("wordy words", table.rows(&long, [&long]).columns(&long, [&long]).draw());
    let wordy = LayerGraph::new([&long, &long]).node("a", 0, None).node(&long, 1, None);
    add("wordy graph", wordy.edge("a", &long, &long, 1.0).title(&long).value(&long).draw());
    add("wordy scatter", Scatter::new([(&long, 0.0, 1.0), (&long, 1.0, 1.0)]).title(&long).x(&long).y(&long).draw());
    add("wordy sound", sound(9, &[&long]).tier(&long, [(0.0, 0.1, &long)]).title(&long).note(&long).draw());
    add("wordy text", TokenText::new([&long], [1.0]).title(&long).value(&long).draw());
    for n in [1, 2, 64, 200] {
        add(&format!("attention {n}"), AttentionPattern::new(pattern(n, 1), words(n)).draw());
        add(&format!("heads {n}"), AttentionHeads::new(patterns(2, n), words(n)).draw());
        add(&format!("text {n}"), TokenText::new(words(n), (0..n).map(noise)).draw());
        add(&format!("lens {n}"), lens(12, n).draw());
        add(&format!("heatmap {n}"), Heatmap::new(matrix(12, n)).x("position").x_tokens(words(n)).draw());
        add(&format!("tall heatmap {n}"), Heatmap::new(matrix(n, 4)).y("position").y_tokens(words(n)).draw());
        add(&format!("line {n}"), LineChart::new().add(Series::new("a", (0..n).map(noise))).draw());
        add(
            &format!("lines {n}"),
            (0..n).fold(LineChart::new(), |c, i| c.add(Series::new("a", [noise(i), 1.0]))).draw(),
        );
        add(&format!("words {n}"), word_table(4, n, &TOKENS).numbered("layer", "head").draw());
        add(&format!("tall words {n}"), word_table(n, 4, &TOKENS).upward().draw());
        add(&format!("sound {n}"), sound(10 * n, &vec!["a"; n]).draw());
        add(&format!("scatter {n}"), scatter(n).draw());
        add(&format!("graph {n}"), graph(12, n).draw());
        add(&format!("scatter to scale {n}"), scatter(n).to_scale().named(n).draw());
        add(&format!("bars {n}"), Bars::new((0..n).map(|i| ("a", noise(i) - 0.5))).draw());
    }
    add("joined heatmap", Heatmap::new(matrix(400, 300)).y_index("layer").x("position").x_tokens(words(300)).draw());
    add("joined attention", AttentionPattern::new(pattern(400, 1), words(400)).title("L0H0").draw());
    let long = Series::new("a", (0..5000).map(noise)).sd((0..5000).map(|i| noise(i + 1)));
    add("thinned line", LineChart::new().title("<t>").x("<x>").add(long).draw());
    add("thinned scatter", scatter(6000).title("<t>").draw());
    add("thinned graph", graph(12, 9000).title("<t>").draw());
    for (name, value) in
        [("zero", 0.0), ("constant", 3.5), ("NaN", f32::NAN), ("infinite", f32::INFINITY), ("huge", f32::MAX)]
    {
        add(&format!("{name} heatmap"), Heatmap::new(Array2::from_elem((3, 4), value)).draw());
        add(&format!("{name} text"), TokenText::new(TOKENS, [value; 5]).draw());
        add(&format!("{name} bars"), Bars::new([("a", value), ("b", -value)]).draw());
        add(&format!("{name} attention"), AttentionPattern::new(Array2::from_elem((5, 5), value), TOKENS).draw());
        for statistic in [Statistic::Probability, Statistic::Entropy, Statistic::Divergence, Statistic::Rank] {
            add(&format!("{name} lens"), lens(2, 4).statistic(statistic, Array2::from_elem((3, 4), value)).draw());
        }
        let line = LineChart::new().add(Series::new("a", [value, 1.0]).sd([value, f32::NAN])).baseline("b", value);
        add(&format!("{name} line"), line.draw());
        add(&format!("{name} words"), WordTable::new(Array2::from_elem((2, 3), ("a".into(), value))).draw());
        let values = Array2::from_elem((3, 4), value);
        add(&format!("{name} sound"), SoundPicture::new([0.0, 1.0], 1).spectrogram(values).draw());
        add(&format!("{name} scatter"), Scatter::new([("a", value, 1.0), ("b", 0.5, 2.0)]).draw());
        let graph = LayerGraph::new(["a", "b"]).node("x", 0, None).node("y", 1, None);
        add(&format!("{name} graph"), graph.edge("x", "y", "k", value).draw());
        add(&format!("{name} scatter to scale"), Scatter::new([("a", value, 1.0), ("b", 0.5, 2.0)]).to_scale().draw());
    }
    out
}

/// Pictures that are not composed, whose coordinates are therefore those of the sheet.
pub fn single_pictures() -> impl Iterator<Item = (String, Figure)> {
    let gallery = gallery().into_iter().map(|(name, figure)| (name.to_string(), figure));
    gallery.chain(awkward()).filter(|(_, figure)| !figure.to_svg().contains("translate("))
}
