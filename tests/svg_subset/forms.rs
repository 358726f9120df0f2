//! Pictures take their data as people have them.
#![allow(clippy::all, reason = "the forms that people type are what is tested")]

use std::collections::HashMap;

use glassbox::{
    Model, Result,
    candle_core::{DType, Device, Tensor},
    plot::{
        AttentionHeads, AttentionPattern, Bars, Figure, Heatmap, LensTable, LineChart, Palette, Scatter, Series,
        ToFigure, TokenText, WordTable, column, row, tabs,
    },
};
use ndarray::{Array1, Array2, Array3, array};

fn tensor(shape: &[usize]) -> Tensor {
    let count = shape.iter().product::<usize>() as u32;
    Tensor::arange(0, count, &Device::Cpu).unwrap().to_dtype(DType::F64).unwrap().reshape(shape).unwrap()
}

fn said<T>(result: Result<T>) -> String {
    result.err().map(|error| error.to_string()).unwrap_or_default()
}

#[test]
fn a_heatmap_takes_a_matrix_in_any_form() -> Result<()> {
    let expected = Heatmap::new(array![[0.0f32, 1.0], [2.0, 3.0]]).draw()?.to_svg();
    let (rows, doubles) = (vec![vec![0.0f32, 1.0], vec![2.0, 3.0]], array![[0.0f64, 1.0], [2.0, 3.0]]);
    let (square, tall) = (tensor(&[2, 2]), tensor(&[1, 2, 1, 2]));
    let ints = Tensor::new(&[[0u32, 1], [2, 3]], &Device::Cpu)?;
    let failed: Result<Array2<f32>> = Ok(array![[0.0, 1.0], [2.0, 3.0]]);
    for map in [
        Heatmap::new(&rows),
        Heatmap::new(rows.as_slice()),
        Heatmap::new(rows.clone()),
        Heatmap::new(rows.iter().map(|row| row.iter())),
        Heatmap::new([[0.0, 1.0], [2.0, 3.0]]),
        Heatmap::new(&[[0, 1], [2, 3]]),
        Heatmap::new(vec![array![0.0, 1.0], array![2.0, 3.0]]),
        Heatmap::new(vec![square.get(0)?, square.get(1)?]),
        Heatmap::new(&doubles),
        Heatmap::new(doubles.view()),
        Heatmap::new(doubles.clone().into_dyn()),
        Heatmap::new(&square),
        Heatmap::new(square.get(0)?.unsqueeze(0)).mask(Array2::default((1, 2))),
        Heatmap::new(tall),
        Heatmap::new(ints),
        Heatmap::new(failed),
        Heatmap::facets([("", &square)]),
        Heatmap::facets(&[("", square.clone())]),
    ] {
        let drawn = map.draw()?;
        assert!(drawn.to_svg() == expected || drawn.alt().contains("1 rows by 2"), "{}", drawn.alt());
    }
    for one in [Heatmap::new(vec![0.5, 1.0]), Heatmap::new(&Array1::from(vec![0.5, 1.0])), Heatmap::new([0.5, 1.0])] {
        assert!(one.draw()?.alt().contains("1 rows by 2 columns"));
    }
    Ok(())
}

#[test]
fn data_of_another_shape_are_refused_when_they_are_drawn() {
    let cube = said(Heatmap::new(tensor(&[2, 3, 4])).title("cube").upward().draw());
    assert!(cube.contains("[2, 3, 4]") && cube.contains("two axes") && cube.contains("narrow"), "{cube}");
    let ragged = said(Heatmap::new([vec![1.0], vec![1.0, 2.0]]).draw());
    assert!(ragged.contains("row 1 has 2 numbers and row 0 has 1"), "{ragged}");
    let line = said(LineChart::new().add(Series::new("a", tensor(&[2, 2]))).draw());
    assert!(line.contains("[2, 2]") && line.contains("one axis"), "{line}");
    let failed =
        Model::open("induction-2l").and_then(|model| model.run("red fox")?.attention_head(9, 0).map(|_| vec![0.5]));
    let why = said(failed.clone().map(|_| ()));
    assert!(why.contains('9'));
    assert_eq!(said(Bars::new(failed.clone()).draw()), why);
    assert_eq!(said(LineChart::new().add(Series::new("a", failed)).draw()), why);
}

#[test]
fn lines_bars_and_points_take_rows_of_numbers_in_any_form() -> Result<()> {
    let (floats, doubles, ints) = (vec![0.0f32, 1.0, 2.0], [0.0f64, 1.0, 2.0], [0i64, 1, 2]);
    let (row, values) = (array![0.0, 1.0, 2.0], tensor(&[3]));
    let of = |series: Series| LineChart::new().add(series).draw().map(|figure| figure.to_svg());
    let expected = of(Series::new("a", [0.0, 1.0, 2.0]))?;
    for series in [
        Series::new("a", &floats),
        Series::new("a", floats.clone()),
        Series::new("a", floats.iter().map(|x| x * 1.0)),
        Series::new("a", doubles),
        Series::new("a", &doubles),
        Series::new("a", 0..3),
        Series::new("a", ints).at(0..3),
        Series::new("a", &row),
        Series::new("a", row.view()),
        Series::new("a", &values),
        Series::new("a", values.unsqueeze(0)),
    ] {
        assert_eq!(of(series)?, expected);
    }
    let pairs = vec![("a".to_string(), 1.0f64), ("b".to_string(), 2.0)];
    let counts = HashMap::from([("a", 3usize)]);
    Bars::new(&pairs).range(0, 3).draw()?;
    Bars::new(pairs.clone()).draw()?;
    Bars::new(&counts.iter().map(|(name, count)| (*name, *count)).collect::<Vec<_>>()).draw()?;
    Bars::tokens(counts.iter().map(|(name, count)| (name, count))).draw()?;
    assert!(Bars::new(&floats).draw()?.to_svg().contains("<title>1: 1</title>"));
    assert!(Bars::new(&values).names(["x", "y", "z"]).draw()?.to_svg().contains("<title>y: 1</title>"));
    assert!(said(Bars::new(doubles).names(["x"]).draw()).contains("1 labels"));
    Scatter::new(&[("a", 1.0, 2)]).draw()?;
    assert!(Scatter::new([(1.0, 2.0)]).draw()?.to_svg().contains("<title>0: x 1, y 2</title>"));
    Ok(())
}

#[test]
fn names_are_strings_references_numbers_or_the_tokens_themselves() -> Result<()> {
    let run = Model::open("induction-2l")?.run("red fox blue")?;
    let tokens = run.tokens().clone();
    let (names, slices): (Vec<String>, &[&str]) = (tokens.strings(0).to_vec(), &["a", "b"]);
    let pattern = Tensor::ones((1, 1, 4, 4), DType::F32, &Device::Cpu)?;
    let drawn = [
        AttentionPattern::new(&pattern, &tokens).draw()?,
        AttentionPattern::new(pattern.squeeze(0)?, tokens.clone()).draw()?,
        AttentionPattern::new(&pattern, &names).draw()?,
        AttentionHeads::new(&pattern, &names).names(["L0H0"]).draw()?,
        AttentionHeads::new(Array3::<f64>::ones((1, 4, 4)), &tokens).draw()?,
        TokenText::new(&tokens, [0.0, 0.5, 1.0, 0.25]).range(0, 1).draw()?,
        Heatmap::new([[0.5, 1.0]]).x_names(slices).y("layer").y_names(7..8).draw()?,
        LineChart::new()
            .x_names(0..2)
            .add(Series::new("a", [0.5, 1.0]))
            .baseline("chance", 0.5f64)
            .y_range(0, 1)
            .draw()?,
        WordTable::new(array![[(String::new(), 0.5)]]).rows("layer", 0..1).columns("", slices.iter().take(1)).draw()?,
        LensTable::new(array![[vec![("a".into(), 0.5)]]], slices.first())
            .statistic(Default::default(), [[0.5]])
            .draw()?,
    ];
    assert!(drawn.iter().all(|figure| figure.size().0 > 0.0));
    Ok(())
}

#[test]
fn rows_columns_and_tabs_take_whatever_is_one_figure() -> Result<()> {
    let model = Model::open("induction-2l")?;
    let run = model.run("red fox blue owl red fox blue")?;
    let (lens, map) = (run.logit_lens()?, Heatmap::new([[0.5, 1.0]]));
    let (figures, one) = (vec![map.draw()?, map.draw()?], map.draw()?);
    let both = row([&one, &one]).to_svg();
    for same in [
        row(&figures),
        row(figures.clone()),
        row(figures.iter()),
        row(figures.as_slice()),
        row([map.clone(), map.clone()]),
        row([&map, &map]),
        row([map.draw(), map.draw()]),
        row((&map, &one)),
        row((map.draw(), Some(&one), None::<Figure>)),
        row(vec![map.draw(); 2]),
        row([row(&one), row(&map)]),
    ] {
        assert_eq!(same.to_svg(), both);
    }
    let names = tabs([("before", &map), ("after", &map)]).to_text();
    assert_eq!(tabs((("before", map.draw()), ("after", one.clone()))).to_text(), names);
    let scores = glassbox::circuits::head_scores(&run)?;
    column((&lens, run.logit_lens(), &scores, scores.top(3), run.attention_head(0, 0)));
    assert!(lens.to_figure()?.is_some());
    Ok(())
}

#[test]
fn an_error_among_figures_is_what_is_shown_and_given() -> Result<()> {
    use glassbox::notebook::Show;
    let run = Model::open("induction-2l")?.run("red fox blue")?;
    let figures = column([row([run.attention_head(0, 0), run.attention_head(7, 0)])]);
    assert!(figures.plain().starts_with("Error: ") && figures.html().contains("<strong>Error:</strong>"));
    assert!(!figures.html().contains("<svg"));
    let path = std::env::temp_dir().join("glassbox-no-figure.svg");
    assert_eq!(said(figures.save(&path)), said(run.attention_head(7, 0)));
    assert!(!path.exists());
    assert_eq!(said(tabs([("a", run.attention_head(7, 0))]).save(path)), said(run.attention_head(7, 0)));
    let pixels = said(Bars::new([0.5]).draw()?.save("picture.png"));
    assert!(pixels.contains(".svg") && pixels.contains("picture.png"), "{pixels}");
    Ok(())
}

#[test]
fn zero_is_white_and_small_maps_print_all_their_numbers_or_none() -> Result<()> {
    let values = array![[0.9, 0.5, -0.1], [0.0, 0.3, 0.2]];
    let shares = Heatmap::new(&values).range(0, 1).draw()?.to_svg();
    assert!(shares.contains("Colours cover 0 to 1; one cell lies beyond.") && shares.contains("#ffffff"));
    assert!(!shares.contains("#67001f"), "no red in a range that begins at 0");
    let signed = Heatmap::new(&values).range(-0.2, 1.0).draw()?.to_svg();
    assert!(signed.contains(">−1</text>") && signed.contains("#f7f7f7"), "0 stays in the middle");
    for (map, printed) in [(Heatmap::new(&values), 6), (Heatmap::new(Array2::<f32>::ones((11, 10))), 0)] {
        let svg = map.palette(Palette::Blues).draw()?.to_svg();
        assert_eq!(svg.matches("font-size=\"10\"").count(), printed);
    }
    Ok(())
}

#[test]
fn a_share_is_drawn_up_to_one_and_so_is_its_band() -> Result<()> {
    let auc = Series::new("test", [0.9, 0.99, 1.0]).sd([0.1, 0.2, 0.3]);
    let chart = LineChart::new().add(auc.clone()).y_range(0.5, 1.0).y_limits(0, 1).draw()?.to_svg();
    assert!(chart.contains(">1.0</text>") && !chart.contains(">1.1</text>") && !chart.contains(">1.2</text>"));
    assert!(LineChart::new().add(auc).y_range(0.5, 1.0).draw()?.to_svg().contains(">1.2</text>"));
    Ok(())
}

#[test]
fn names_with_a_common_end_are_told_apart_on_the_axis() -> Result<()> {
    let names = |n: usize| (0..n).map(|layer| format!("{layer}.normalized_resid_post")).collect::<Vec<_>>();
    let chart = LineChart::new().x_names(names(12)).add(Series::new("a", vec![0.5; 12])).draw()?.to_svg();
    assert!((0..12).all(|layer| chart.contains(&format!(">{layer}</text>"))), "{chart}");
    assert!(chart.contains("11.normalized_resid_post: 0.5</title>"), "the tooltip has the whole name");
    Ok(())
}

#[test]
fn of_a_long_text_every_fifth_token_or_fewer_stands_on_the_axis() -> Result<()> {
    let words: Vec<String> = (0..180).map(|at| format!(" word{at}")).collect();
    let svg = Heatmap::new(Array2::<f32>::ones((4, 180))).x("position").x_tokens(&words).draw()?.to_svg();
    let labels = svg.matches(">·word").count();
    assert!((9..=36).contains(&labels), "{labels}");
    Ok(())
}
