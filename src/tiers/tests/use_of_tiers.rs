use super::*;

fn words() -> Tier {
    Tier::new("words", [(0.5, 1.0, "had"), (0.1, 0.5, "she"), (1.5, 2.0, "your")]).unwrap()
}

#[test]
fn intervals_fill_their_tier_whatever_their_order() {
    let labels = |tier: &Tier| tier.intervals().into_iter().map(|mark| mark.label).collect::<Vec<_>>();
    assert_eq!(labels(&words()), ["", "she", "had", "", "your"]);
    assert_eq!(words().pauses(), [Interval::new(0, 0.1, ""), Interval::new(1, 1.5, "")]);
    assert_eq!((words().text(), words().durations()[0]), ("she had your".into(), 0.4));
    let near = Tier::new("near", [(0.0, 0.5000001, "a"), (0.5, 1.0, "b"), (1.0000002, 2.0, "c")]).unwrap();
    assert_eq!(labels(&near), ["a", "b", "c"]);
    let longer = Tiers::new([words()]).until(3).unwrap().until(2.5).unwrap();
    assert_eq!(longer.tier("words").unwrap().intervals().last(), Some(&Interval::new(2, 2.5, "")));
    refused(longer.until(1.9), &["1.9 s is before the last label, which ends at 2 s"]);
}

#[test]
fn a_time_finds_what_is_there_from_either_end() {
    let words = words();
    let at = |time: f64| words.at(time).map(|mark| mark.label);
    assert_eq!((at(0.0).unwrap(), at(0.5).unwrap(), at(2.0).unwrap()), ("".into(), "had".into(), "your".into()));
    assert_eq!((at(-0.1).unwrap(), words.at(1).unwrap().label), ("your".into(), "".into()));
    for time in [2.1, -2.1, f64::NAN, f64::INFINITY] {
        assert!(at(time).unwrap_err().is_out_of_range(), "{time}");
    }
    let tones = Tier::points("tones", [(0.3, "H*"), (1.2, "L%")]).unwrap();
    assert_eq!((tones.at(0.6).unwrap().label, tones.at(1.0).unwrap().label), ("H*".into(), "L%".into()));
    let both = Tiers::new([words, tones]);
    assert_eq!(
        both.at(1.2).unwrap().iter().map(|(name, at)| format!("{name} {}", at.label)).collect::<Vec<_>>(),
        ["words ", "tones L%"]
    );
    assert!(both.at(2.5).unwrap_err().is_out_of_range());
    assert_eq!(both.labelled("H*"), [("tones".into(), Interval::new(0.3, 0.3, "H*"))]);
    refused(both.tier("Wrods"), &["no tier `Wrods`", "the nearest is `words`", "`tones`"]);
    refused(Tiers::new([]).tier("words"), &["no tiers at all"]);
    refused(both.joined(&both).tier("words"), &["2 tiers are named `words`"]);
}

#[test]
fn a_word_has_its_phones_and_phones_may_be_named_anew() {
    let phones =
        Tier::new("phones", [(0.1, 0.3, "SH"), (0.3, 0.5, "IY1"), (0.5, 0.7, "HH"), (0.7, 1.0, "AE1")]).unwrap();
    let labels = |marks: Vec<Interval>| marks.into_iter().map(|mark| mark.label).collect::<Vec<_>>();
    let she = &words().labelled("she")[0];
    assert_eq!(labels(phones.inside(she)), ["SH", "IY1"]);
    let plain = phones.relabelled(|label| label.trim_end_matches('1').to_lowercase());
    assert_eq!(plain.labels(), ["sh", "iy", "hh", "ae"]);
    assert_eq!(plain.durations(), phones.durations());
}

#[test]
fn intervals_without_length_get_some_from_the_next_or_the_ones_before() {
    let tier =
        Tier::new("words", [(0.0, 0.5, "a"), (0.5, 0.5, "b"), (0.5, 0.5, "c"), (0.5, 1.0, "d"), (1.0, 1.0, "e")]);
    let tier = tier.unwrap().at_least(0.125).unwrap();
    let times: Vec<_> = tier.intervals().iter().map(|mark| (mark.start, mark.end)).collect();
    assert_eq!(times, [(0.0, 0.5), (0.5, 0.625), (0.625, 0.75), (0.75, 0.875), (0.875, 1.0)]);
    assert_eq!((tier.at_least(0.1).unwrap() == tier, tier.end()), (true, 1.0));
    refused(tier.at_least(0.3), &["`words` has 5 intervals in 1 s", "0.3 s each"]);
    refused(tier.at_least(-1), &["-1 s each"]);
    refused(tier.at_least(f64::NAN), &["NaN"]);
}

#[test]
fn tiers_are_cut_and_moved_whole() {
    let tones = Tier::points("tones", [(0.3, "H*"), (1.2, "L%")]).unwrap();
    let both = Tiers::new([words(), tones]);
    let cut = both.crop(0.25..1.2).unwrap();
    assert_eq!((cut.start(), cut.end()), (0.25, 1.2));
    assert_eq!(cut.tier("words").unwrap().spoken(), [Interval::new(0.25, 0.5, "she"), Interval::new(0.5, 1, "had")]);
    assert_eq!(cut.tier("tones").unwrap().labels(), ["H*", "L%"]);
    let moved = cut.shift(-0.25).unwrap();
    assert_eq!((moved.start(), moved.tier("words").unwrap().spoken()[1].start), (0.0, 0.25));
    assert_eq!(both.crop(1..).unwrap().tier("words").unwrap().labels(), ["your"]);
    assert_eq!(both.crop(-0.5..).unwrap().duration(), 0.5);
    assert_eq!(both.crop(..=0.5).unwrap().tier("words").unwrap().labels(), ["she"]);
    refused(both.crop(2..3), &["the times 2 to 3 s are empty or outside"]);
    refused(both.crop(1.5..0.5), &["empty"]);
    refused(both.crop(f64::NAN..1.0), &["NaN"]);
    refused(both.shift(f64::NAN), &["the shift is NaN"]);
    refused(words().shift(1e300), &["is no time"]);
}

#[test]
fn what_is_no_interval_makes_no_tier() {
    refused(Tier::new("w", [(0.0, f64::NAN, "a")]), &["the end of `a` is NaN"]);
    refused(Tier::new("w", [(f64::INFINITY, 1.0, "a")]), &["the start of `a` is inf"]);
    refused(Tier::new("w", [(1.0, 0.5, "a")]), &["`a` ends at 0.5 s, before it starts at 1 s"]);
    refused(Tier::new("w", [(0.0, 1.0, "a"), (0.5, 2.0, "b")]), &["`a` (0 to 1 s) and `b` (0.5 to 2 s) overlap"]);
    refused(Tier::points("w", [(f64::NAN, "a")]), &["NaN"]);
}

#[test]
fn labels_answer_whatever_their_case_and_the_nearest_of_equal_ones() {
    let gold = Tier::new("gold", [(0, 1, "the"), (1, 2, "the"), (3, 4, "cat"), (5, 6, "sat")]).unwrap();
    let found = Tier::new("found", [(1.1, 2.2, "The"), (3.0, 3.9, "Cat,"), (4.5, 4.75, "now")]).unwrap();
    let comparison = found.compare(&gold).unwrap();
    let pairs = comparison.pairs();
    assert_eq!(pairs.iter().map(|pair| pair.gold.start).collect::<Vec<_>>(), [1.0, 3.0]);
    let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-6, "{a} and {b}");
    near(comparison.mean_start_error(), 50.0);
    near(comparison.mean_end_error(), 150.0);
    near(comparison.start_bias(), 50.0);
    near(comparison.end_bias(), 50.0);
    near(comparison.within(100), 0.75);
    assert_eq!(comparison.worst().unwrap().found.label, "The");
    let labels = |marks: Vec<Interval>| marks.into_iter().map(|mark| mark.label).collect::<Vec<_>>();
    assert_eq!(
        (labels(comparison.missing()), labels(comparison.extra())),
        (vec!["the".into(), "sat".into()], vec!["now".into()])
    );
    refused(tier("a", ["x"]).compare(&gold), &["no label of `a` answers to one of `gold`", "`x` and `the`"]);
    refused(Tier::points("tones", [(1.0, "the")]).unwrap().compare(&gold), &["`tones` has points and `gold` has not"]);
    let many = tier("a", (0..3000).map(|n| format!("w{}", n % 7)));
    let fewer = tier("b", (0..3000).filter(|n| n % 10 != 0).map(|n| format!("w{}", n % 7)));
    assert_eq!(fewer.compare(&many).unwrap().pairs().len(), 2700);
}
