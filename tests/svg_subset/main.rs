//! Every kind of picture keeps to the part of SVG that notebooks, documentation pages and GitHub let through, is the
//! same bytes each time, and stays small.
//!
//! The pictures are also compared with `tests/golden/*.svg`. After an intended change, write them anew with
//! `GLASSBOX_BLESS=1 cargo test --test svg_subset`, and look at them.

use std::{env, fs, path::PathBuf};

use glassbox::plot::{AttentionHeads, AttentionPattern, Bars, Figure, Heatmap, LineChart, Series, TokenText};
use ndarray::{Array2, array};

mod forms;
mod gallery;
mod huge;
mod subset;

use gallery::*;
use subset::*;

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
    let svg = Heatmap::new(matrix(1, 2)).x("position").x_tokens([" Mary", " Mary"]).draw().unwrap().to_svg();
    for i in [0, 1] {
        assert!(svg.contains(&format!("·Mary<tspan fill=\"#949ea9\">@{i}</tspan>")));
        assert!(svg.contains(&format!("<title>0, ·Mary@{i}: ")));
    }
}

#[test]
fn bad_input_is_answered_with_a_sentence() {
    let said = |result: glassbox::Result<Figure>| result.unwrap_err().to_string();
    assert_eq!(
        said(Heatmap::new(matrix(2, 3)).x("position").x_tokens(["a"]).draw()),
        "a heatmap was given 1 labels for the axis `position`, whose length is 3; give one for each"
    );
    assert!(said(Heatmap::new(matrix(0, 3)).draw()).contains("the matrix has no cells"));
    assert!(said(Heatmap::facets([("a", matrix(1, 2)), ("b", matrix(2, 1))]).draw()).contains("facet `b`"));
    assert!(said(Heatmap::new(matrix(1, 2)).range(1.0, 1.0).draw()).contains("range 1 to 1"));
    assert!(said(Heatmap::new(matrix(1, 2)).mask(Array2::default((2, 2))).draw()).contains("a mask"));
    assert!(said(AttentionPattern::new(pattern(3, 0), ["a", "b"]).draw()).contains("2 labels for the axis `query`"));
    assert!(said(AttentionHeads::new(patterns(0, 3), words(3)).draw()).contains("no heads"));
    assert!(said(AttentionHeads::new(patterns(2, 3), words(3)).names(["a"]).draw()).contains("the axis `head`"));
    assert!(said(TokenText::new(["a", "b"], [1.0, 2.0, 3.0]).draw()).contains("[2]"));
    assert!(said(Bars::new(Vec::<(&str, f32)>::new()).draw()).contains("no bars"));
    assert!(said(LineChart::new().draw()).contains("no line has a finite value"));
    let short = Series::new("a", [1.0, 2.0]).at([1.0]);
    assert!(said(LineChart::new().add(short).draw()).contains("`a` has 2 values but 1 places"));
    let zero = LineChart::new().add(Series::new("a", [1.0, 2.0])).log_x();
    assert!(said(zero.draw()).contains("the x axis is logarithmic but `a` holds 0"));
    assert!(said(lens(2, 3).rows(["only one"]).draw()).contains("the axis `layer`"));
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
