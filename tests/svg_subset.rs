//! Every kind of picture keeps to the part of SVG that notebooks, documentation pages and GitHub let through, is the
//! same bytes each time, and stays small.
//!
//! The pictures are also compared with `tests/golden/*.svg`. After an intended change, write them anew with
//! `GLASSBOX_BLESS=1 cargo test --test svg_subset`, and look at them.

use std::{env, fs, path::PathBuf};

use glassbox::plot::{
    AttentionHeads, AttentionPattern, Bars, Figure, Heatmap, LensTable, LineChart, Palette, Series, Statistic,
    TokenText, column, row, tabs,
};
use ndarray::{Array2, Array3, array};
use unicode_width::UnicodeWidthStr;

const TAGS: &str = "svg g path rect circle ellipse line polyline polygon text tspan title desc";
const ATTRIBUTES: &str = "x y x1 y1 x2 y2 cx cy r rx ry dx dy d points width height viewBox transform fill \
    fill-opacity fill-rule stroke stroke-width stroke-opacity stroke-dasharray stroke-linecap stroke-linejoin opacity \
    font-family font-size font-weight font-style text-anchor xmlns";

/// Tokens that would break a careless picture.
const ODD: [&str; 14] = [
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

const TOKENS: [&str; 5] = ["When", " Mary", " and", " Mary", " went"];

/// Numbers that look random and are the same everywhere.
fn noise(i: usize) -> f32 {
    let mixed = (i as u32).wrapping_mul(2_654_435_761).rotate_left(13).wrapping_mul(2_246_822_519);
    (mixed >> 8) as f32 / (1 << 24) as f32
}

fn matrix(rows: usize, columns: usize) -> Array2<f32> {
    Array2::from_shape_fn((rows, columns), |(r, c)| noise(r * columns + c) - 0.5)
}

/// A causal pattern whose rows sum to 1.
fn pattern(n: usize, seed: usize) -> Array2<f32> {
    let weight =
        |query: usize, key: usize| if key > query { 0.0 } else { noise(seed + query * n + key).powi(4) + 1e-3 };
    let sum = |query: usize| (0..n).map(|key| weight(query, key)).sum::<f32>();
    Array2::from_shape_fn((n, n), |(query, key)| weight(query, key) / sum(query))
}

fn patterns(heads: usize, n: usize) -> Array3<f32> {
    let each: Vec<_> = (0..heads).map(|head| pattern(n, 1000 * head)).collect();
    Array3::from_shape_fn((heads, n, n), |(head, query, key)| each[head][(query, key)])
}

fn words(n: usize) -> Vec<String> {
    (0..n).map(|i| TOKENS[i % TOKENS.len()].to_string()).collect()
}

fn lens(layers: usize, positions: usize) -> LensTable {
    let predictions = Array2::from_shape_fn((layers + 1, positions), |(layer, position)| {
        let p = (layer as f32 + 1.0) / (layers as f32 + 2.0) * (0.5 + noise(layer * positions + position) / 2.0);
        vec![(TOKENS[(position + layer / 2) % 5].to_string(), p), (" the".to_string(), (1.0 - p) / 2.0)]
    });
    LensTable::new(predictions, words(positions)).title("Logit lens").target(" Mary")
}

fn chart() -> LineChart {
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

/// Every kind of picture, by the name of its golden file.
fn gallery() -> Vec<(&'static str, Figure)> {
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
                .x_tokens("position", TOKENS)
                .upward()
                .draw(),
        ),
        (
            "scores",
            Heatmap::new(scores)
                .title("Head scores")
                .y_names("", ["L0", "L1", "L2", "L3"])
                .x_index("head")
                .mask(Array2::from_shape_fn((4, 3), |at| at == (3, 2)))
                .palette(Palette::RedBlue)
                .range(-0.8, 0.8)
                .draw(),
        ),
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
fn awkward() -> Vec<(String, Figure)> {
    let mut out = Vec::new();
    let mut add = |name: &str, figure: glassbox::Result<Figure>| out.push((name.to_string(), figure.unwrap()));
    let n = ODD.len();
    add("odd attention", AttentionPattern::new(pattern(n, 1), ODD).title("<b>&").draw());
    add("odd heads", AttentionHeads::new(patterns(2, n), ODD).names(["</style>", "\n"]).draw());
    add("odd heatmap", Heatmap::new(matrix(n, n)).x_tokens("<x>", ODD).y_names("<y>", ODD).value("<v>").draw());
    add("odd text", TokenText::new(ODD, (0..n).map(noise)).value("<v>").title("<t>").width(20).draw());
    add("odd bars", Bars::new(ODD.map(|label| (label, 1.0))).title("<t>").draw());
    add("odd line", LineChart::new().x_names(ODD).add(Series::new("</svg>", (0..n).map(noise))).draw());
    let odd = Array2::from_shape_fn((2, n), |(_, position)| vec![(ODD[position].to_string(), 0.5)]);
    add("odd lens", LensTable::new(odd, ODD).target(ODD[0]).rows(["</svg>", "\n\n"]).draw());
    let long = "a name that goes on and on ".repeat(8);
    let wordy = Heatmap::facets([(long.as_str(), matrix(1, 1)), ("b", matrix(1, 1))]).title(&long).value(&long);
    add("wordy heatmap", wordy.x_index(&long).y_index(&long).draw());
    add("wordy bars", Bars::new([(&long, 1.0)]).title(&long).value(&long).draw());
    add("wordy line", LineChart::new().title(&long).x(&long).y(&long).add(Series::new(&long, [1.0])).draw());
    add("wordy text", TokenText::new([&long], [1.0]).title(&long).value(&long).draw());
    for n in [1, 2, 64, 200] {
        add(&format!("attention {n}"), AttentionPattern::new(pattern(n, 1), words(n)).draw());
        add(&format!("heads {n}"), AttentionHeads::new(patterns(2, n), words(n)).draw());
        add(&format!("text {n}"), TokenText::new(words(n), (0..n).map(noise)).draw());
        add(&format!("lens {n}"), lens(12, n).draw());
        add(&format!("heatmap {n}"), Heatmap::new(matrix(12, n)).x_tokens("position", words(n)).draw());
        add(&format!("tall heatmap {n}"), Heatmap::new(matrix(n, 4)).y_tokens("position", words(n)).draw());
        add(&format!("line {n}"), LineChart::new().add(Series::new("a", (0..n).map(noise))).draw());
        add(
            &format!("lines {n}"),
            (0..n).fold(LineChart::new(), |c, i| c.add(Series::new("a", [noise(i), 1.0]))).draw(),
        );
        add(&format!("bars {n}"), Bars::new((0..n).map(|i| ("a", noise(i) - 0.5))).draw());
    }
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
    }
    out
}

/// One tag of a document, with its attributes and the depth that it is at.
struct Element {
    tag: String,
    attributes: Vec<(String, String)>,
    depth: usize,
    /// The text in it, but not in the elements in it.
    text: String,
}

impl Element {
    fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    fn number(&self, name: &str) -> f64 {
        self.attribute(name).and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("{name} of <{}>", self.tag))
    }
}

/// The elements of well-formed XML without comments, declarations and sections, or what is wrong with it.
fn scan(xml: &str) -> Result<Vec<Element>, String> {
    let (mut elements, mut open, mut rest) = (Vec::<Element>::new(), Vec::<usize>::new(), xml);
    while let Some(start) = rest.find('<') {
        check_text(&rest[..start])?;
        if let Some(&parent) = open.last() {
            elements[parent].text += &rest[..start];
        }
        let end = rest.find('>').ok_or("an open tag at the end")?;
        let inside = &rest[start + 1..end];
        rest = &rest[end + 1..];
        if let Some(tag) = inside.strip_prefix('/') {
            if open.pop().is_none_or(|opened| elements[opened].tag != tag) {
                return Err(format!("</{tag}> closes what is not open"));
            }
            continue;
        }
        let (inside, empty) = inside.strip_suffix('/').map_or((inside, false), |inside| (inside, true));
        let (tag, mut list) = inside.split_once(' ').unwrap_or((inside, ""));
        let mut attributes = Vec::new();
        while !list.trim().is_empty() {
            let (name, after) = list.split_once("=\"").ok_or(format!("an attribute without a value in <{inside}>"))?;
            let (value, after) = after.split_once('"').ok_or(format!("an open value in <{inside}>"))?;
            check_text(value)?;
            attributes.push((name.trim().to_string(), value.to_string()));
            list = after;
        }
        elements.push(Element { tag: tag.to_string(), attributes, depth: open.len(), text: String::new() });
        if !empty {
            open.push(elements.len() - 1);
        }
    }
    check_text(rest)?;
    if open.is_empty() { Ok(elements) } else { Err(format!("{open:?} are never closed")) }
}

fn check_text(text: &str) -> Result<(), String> {
    for part in text.split('&').skip(1) {
        let known =
            ["amp;", "lt;", "gt;", "quot;", "#39;", "#10;", "#9;"].iter().any(|entity| part.starts_with(entity));
        if !known {
            return Err(format!("`&{part}` is not an entity"));
        }
    }
    match text.chars().find(|&c| c.is_control() && c != '\n' || matches!(c, '>' | '\u{fffe}' | '\u{ffff}')) {
        Some(c) => Err(format!("the character {c:?} in `{text}`")),
        None => Ok(()),
    }
}

fn check_subset(name: &str, svg: &str) {
    let elements = scan(svg).unwrap_or_else(|why| panic!("{name} is not well-formed: {why}"));
    for Element { tag, attributes, .. } in &elements {
        assert!(TAGS.split(' ').any(|known| known == tag), "{name} has a <{tag}>");
        for (attribute, value) in attributes {
            assert!(
                ATTRIBUTES.split_whitespace().any(|known| known == attribute),
                "{name} has {attribute}= on <{tag}>"
            );
            assert!(!value.contains("NaN") && !value.contains("inf"), "{name} has {attribute}=\"{value}\"");
        }
    }
    assert_eq!((elements[1].tag.as_str(), elements[1].depth), ("title", 1), "{name} begins with its alt sentence");
    let paper = &elements[2];
    assert_eq!(
        (paper.tag.as_str(), paper.attribute("fill")),
        ("rect", Some("#ffffff")),
        "{name} has an opaque background"
    );
    assert!(svg.starts_with("<svg "), "{name} begins at the line's start, so that a doc page takes it as HTML");
    assert!(svg.lines().all(|line| !line.trim().is_empty()), "{name} has a blank line, which ends HTML in markdown");
    for text in elements.iter().filter(|element| element.tag == "text") {
        assert!(text.number("font-size") >= 9.0, "{name} has text of {} px", text.number("font-size"));
    }
}

/// A text's words and the rectangle that holds them: left, top, right, bottom. Slanted text is held too, generously.
type Placed = (String, [f64; 4]);

fn placed_texts(svg: &str) -> Vec<Placed> {
    let elements = scan(svg).unwrap();
    let suffix =
        |i: usize| elements.get(i + 1).filter(|next| next.tag == "tspan").map_or("", |next| next.text.as_str());
    let texts = elements.iter().enumerate().filter(|(_, element)| element.tag == "text");
    texts
        .map(|(i, text)| {
            let words = format!("{}{}", text.text, suffix(i))
                .replace("&quot;", "\"")
                .replace("&#39;", "'")
                .replace("&lt;", "<")
                .replace("&gt;", ">")
                .replace("&amp;", "&");
            let size = text.number("font-size");
            let width = words.width() as f64 * size * if text.attribute("font-family").is_some() { 0.55 } else { 0.6 };
            let (x, y) = (text.number("x"), text.number("y"));
            let left = match text.attribute("text-anchor") {
                Some("middle") => -width / 2.0,
                Some("end") => -width,
                _ => 0.0,
            };
            let (top, bottom) = (-0.74 * size, 0.22 * size);
            let turn =
                text.attribute("transform").map(|turn| turn.trim_start_matches("rotate(").split(' ').next().unwrap());
            let angle = turn.map_or(0.0, |turn| turn.parse::<f64>().unwrap()).to_radians();
            let corners = [(left, top), (left + width, top), (left, bottom), (left + width, bottom)];
            let turned = corners
                .map(|(dx, dy)| (x + dx * angle.cos() - dy * angle.sin(), y + dx * angle.sin() + dy * angle.cos()));
            let least = |pick: fn((f64, f64)) -> f64| turned.map(pick).into_iter().fold(f64::INFINITY, f64::min);
            let most = |pick: fn((f64, f64)) -> f64| turned.map(pick).into_iter().fold(f64::NEG_INFINITY, f64::max);
            (words, [least(|p| p.0), least(|p| p.1), most(|p| p.0), most(|p| p.1)])
        })
        .collect()
}

/// Pictures that are not composed, whose coordinates are therefore those of the sheet.
fn single_pictures() -> impl Iterator<Item = (String, Figure)> {
    let gallery = gallery().into_iter().map(|(name, figure)| (name.to_string(), figure));
    gallery.chain(awkward()).filter(|(_, figure)| !figure.to_svg().contains("translate("))
}

#[test]
fn no_text_leaves_the_sheet() {
    for (name, figure) in single_pictures() {
        let (width, height) = figure.size();
        for (words, [left, top, right, bottom]) in placed_texts(&figure.to_svg()) {
            let within = left >= -0.5 && top >= -0.5 && right <= width + 0.5 && bottom <= height + 0.5;
            assert!(within, "{name}: `{words}` at {left},{top} to {right},{bottom} on {width}×{height}");
        }
    }
}

#[test]
fn no_two_level_texts_overlap() {
    for (name, figure) in single_pictures() {
        let svg: String = figure
            .to_svg()
            .lines()
            .filter(|line| !line.contains("rotate(-4") && !line.contains("rotate(-6"))
            .map(|line| format!("{line}\n"))
            .collect();
        let texts = placed_texts(&svg);
        for (i, (words, a)) in texts.iter().enumerate() {
            for (other, b) in &texts[i + 1..] {
                let apart = a[2] <= b[0] + 0.5 || b[2] <= a[0] + 0.5 || a[3] <= b[1] + 0.5 || b[3] <= a[1] + 0.5;
                assert!(apart, "{name}: `{words}` {a:?} and `{other}` {b:?}");
            }
        }
    }
}

#[test]
fn slanted_labels_keep_a_line_apart() {
    for (name, figure) in single_pictures() {
        let elements = scan(&figure.to_svg()).unwrap();
        let slant = |element: &Element| {
            element
                .attribute("transform")
                .is_some_and(|turn| turn.starts_with("rotate(-4") || turn.starts_with("rotate(-6"))
        };
        let slanted: Vec<&Element> = elements.iter().filter(|element| slant(element)).collect();
        for pair in slanted.windows(2).filter(|pair| pair[0].number("y") == pair[1].number("y")) {
            let angle: f64 = if pair[0].attribute("transform").unwrap().starts_with("rotate(-4") { 45.0 } else { 60.0 };
            let apart = (pair[1].number("x") - pair[0].number("x")) * angle.to_radians().sin();
            // From one panel to the next there is more than that.
            assert!(apart >= 11.0, "{name}: `{}` and `{}` are {apart} px apart", pair[0].text, pair[1].text);
        }
    }
}

#[test]
fn every_picture_keeps_to_the_safe_part_of_svg() {
    for (name, figure) in gallery() {
        check_subset(name, &figure.to_svg());
    }
    for (name, figure) in awkward() {
        check_subset(&name, &figure.to_svg());
    }
}

#[test]
fn every_svg_within_html_keeps_to_it_too_and_ids_are_unique() {
    for (name, figure) in gallery().into_iter().map(|(name, figure)| (name.to_string(), figure)).chain(awkward()) {
        let html = figure.to_html();
        for part in html.split("<svg ").skip(1) {
            let svg = part.split("</svg>").next().unwrap();
            check_subset(&name, &format!("<svg {svg}</svg>"));
        }
        let mut ids: Vec<&str> = html.split(" id=\"").skip(1).filter_map(|part| part.split('"').next()).collect();
        assert!(!ids.is_empty(), "{name} has no id");
        ids.sort_unstable();
        assert!(ids.windows(2).all(|pair| pair[0] != pair[1]), "{name} repeats an id: {ids:?}");
        assert!(!html.contains("<script"), "{name} lets a script through");
    }
}

#[test]
fn the_gallery_is_what_it_was() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    for (name, figure) in gallery() {
        let path = folder.join(format!("{name}.svg"));
        let svg = figure.to_svg() + "\n";
        if env::var_os("GLASSBOX_BLESS").is_some() {
            fs::write(&path, &svg).unwrap();
        }
        let golden = fs::read_to_string(&path).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
        let line = svg.lines().zip(golden.lines()).find(|(new, old)| new != old);
        assert!(svg == golden, "{name} has changed; the first line that differs: {line:#?}");
    }
}

#[test]
fn the_same_data_gives_the_same_bytes() {
    for ((name, first), (_, second)) in gallery().into_iter().zip(gallery()) {
        assert_eq!(first.to_svg(), second.to_svg(), "{name}");
        assert_eq!(first.to_html(), second.to_html(), "{name}");
    }
}

#[test]
fn every_picture_says_what_it_shows() {
    for (name, figure) in gallery() {
        assert!(figure.alt().ends_with('.') && figure.alt().len() > 20, "{name}: {}", figure.alt());
        assert!(figure.to_text().trim().len() > 20, "{name}: {}", figure.to_text());
    }
}

#[test]
fn no_cell_or_token_is_left_without_a_tooltip_in_a_small_picture() {
    let figure = Heatmap::new(matrix(20, 30)).y_index("layer").x_index("head").draw().unwrap();
    let svg = figure.to_svg();
    for (layer, head) in [(0, 0), (7, 29), (19, 15)] {
        assert!(svg.contains(&format!("<title>layer {layer}, head {head}: ")), "layer {layer}, head {head}");
    }
    let svg = TokenText::new(words(200), (0..200).map(noise)).draw().unwrap().to_svg();
    assert_eq!(svg.matches("<title>").count(), 1 + 200);
}

#[test]
fn pictures_stay_small() {
    let budget = |name: &str, bytes: usize, most: usize| assert!(bytes <= most, "{name}: {bytes} bytes of {most}");
    let heatmap = Heatmap::new(matrix(64, 64)).draw().unwrap();
    budget("64 by 64 of noise", heatmap.to_svg().len(), 260_000);
    budget("attention of 64", AttentionPattern::new(pattern(64, 1), words(64)).draw().unwrap().to_svg().len(), 220_000);
    budget(
        "attention of 200",
        AttentionPattern::new(pattern(200, 1), words(200)).draw().unwrap().to_svg().len(),
        450_000,
    );
    budget("12 heads of 32", AttentionHeads::new(patterns(12, 32), words(32)).draw().unwrap().to_html().len(), 600_000);
    budget("a chart", chart().draw().unwrap().to_svg().len(), 8_000);
    let long = LineChart::new().add(Series::new("loss", (0..2000).map(noise))).draw().unwrap();
    budget("a chart of 2000 points", long.to_svg().len(), 45_000);
}

#[test]
fn a_constant_matrix_is_drawn_in_the_middle_colour() {
    let svg = Heatmap::new(Array2::from_elem((2, 2), 7.0)).draw().unwrap().to_svg();
    assert_eq!(svg.matches("fill=\"#6baed6\"><title>").count(), 4);
    assert!(svg.contains("Every value is 7."));
}

#[test]
fn missing_masked_and_outside_cells_are_marked_and_explained() {
    let values = array![[f32::NAN, 1.0], [0.2, 5.0]];
    let figure = Heatmap::new(values).range(0.0, 1.0).mask(array![[false, true], [false, false]]).draw().unwrap();
    let svg = figure.to_svg();
    assert!(svg.contains("fill=\"#c8c8c8\"><title>0, 0: NaN</title>"));
    assert!(!svg.contains("<title>0, 1: "), "a masked cell has no value to say");
    for meaning in ["masked", "not a number", "beyond the range", "Colours cover 0 to 1; one cell lies beyond."] {
        assert!(svg.contains(meaning), "{meaning}");
    }
}

#[test]
fn duplicate_tokens_stay_distinct() {
    let svg = Heatmap::new(matrix(1, 2)).x_tokens("position", [" Mary", " Mary"]).draw().unwrap().to_svg();
    for i in [0, 1] {
        assert!(svg.contains(&format!("·Mary<tspan fill=\"#949ea9\">@{i}</tspan>")));
        assert!(svg.contains(&format!("<title>0, ·Mary@{i}: ")));
    }
}

#[test]
fn bad_input_is_answered_with_a_sentence() {
    let said = |result: glassbox::Result<Figure>| result.unwrap_err().to_string();
    assert_eq!(
        said(Heatmap::new(matrix(2, 3)).x_tokens("position", ["a"]).draw()),
        "a heatmap was given 1 labels for the position axis, whose length is 3; give one for each"
    );
    assert!(said(Heatmap::new(matrix(0, 3)).draw()).contains("the matrix has no cells"));
    assert!(said(Heatmap::facets([("a", matrix(1, 2)), ("b", matrix(2, 1))]).draw()).contains("facet `b`"));
    assert!(said(Heatmap::new(matrix(1, 2)).range(1.0, 1.0).draw()).contains("range 1 to 1"));
    assert!(said(Heatmap::new(matrix(1, 2)).mask(Array2::default((2, 2))).draw()).contains("a mask"));
    assert!(said(AttentionPattern::new(pattern(3, 0), ["a", "b"]).draw()).contains("2 labels for the query axis"));
    assert!(said(AttentionHeads::new(patterns(0, 3), words(3)).draw()).contains("no heads"));
    assert!(said(AttentionHeads::new(patterns(2, 3), words(3)).names(["a"]).draw()).contains("head axis"));
    assert!(said(TokenText::new(["a", "b"], [1.0]).draw()).contains("[2]"));
    assert!(said(Bars::new(Vec::<(&str, f32)>::new()).draw()).contains("no bars"));
    assert!(said(LineChart::new().draw()).contains("no line has a finite value"));
    let short = Series::new("a", [1.0, 2.0]).at([1.0]);
    assert!(said(LineChart::new().add(short).draw()).contains("`a` has 2 values but 1 places"));
    let zero = LineChart::new().add(Series::new("a", [1.0, 2.0])).log_x();
    assert!(said(zero.draw()).contains("the x axis is logarithmic but `a` holds 0"));
    assert!(said(lens(2, 3).rows(["only one"]).draw()).contains("layer axis"));
    let saved = Bars::new([("a", 1.0)]).draw().unwrap().save("picture.gif");
    assert!(saved.unwrap_err().to_string().contains(".svg or .html"));
}

#[test]
fn a_saved_page_is_whole_and_a_saved_svg_is_the_picture() {
    let folder = env::temp_dir().join(format!("glassbox-figures-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let figure = Bars::new([("a<b", 1.0)]).draw().unwrap();
    figure.save(folder.join("bars.svg")).unwrap();
    figure.save(folder.join("bars.html")).unwrap();
    assert_eq!(fs::read_to_string(folder.join("bars.svg")).unwrap(), figure.to_svg());
    let page = fs::read_to_string(folder.join("bars.html")).unwrap();
    assert!(page.starts_with("<!doctype html>") && page.contains(&figure.to_html()));
    let missing = figure.save(folder.join("no/such/folder.svg")).unwrap_err();
    assert!(missing.is_io(), "{missing}");
    fs::remove_dir_all(&folder).unwrap();
}
