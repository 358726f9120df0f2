//! How values without a picture print: on one line, with sizes in place of long rows of numbers.
//!
//! To add a type, add one line to `brief!`. The test at the end finds types that print whole arrays.

use crate::{
    decompose::ResidStack,
    model::{AnswerStep, Prediction, TestedAnswer},
    patching::Metric,
    printable::{number, sentence, visible},
    probe::{Examples, Features, Labels, Repeats, Score, Split},
    steering::Direction,
    train::{Curve, Parameters},
};
use std::fmt;

/// Implements `Debug` and `Display` with one line of text.
macro_rules! brief {
    ($($type:ty: |$value:ident| $line:expr;)*) => {$(
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let $value = self;
                f.write_str(&sentence($line))
            }
        }

        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
    )*};
}

brief! {
    AnswerStep: |step| {
        let crate::model::Prediction { text, logit, probability, .. } = &step.answer;
        let (logit, probability) = (number(*logit), number(*probability));
        format!("{}: rank {}, logit {logit}, probability {probability}", visible(text), step.rank)
    };
    Prediction: |one| {
        let (probability, logit) = (number(one.probability), number(one.logit));
        format!("{} {probability} (id {}, logit {logit})", visible(&one.text), one.id)
    };
    TestedAnswer: |answer| {
        let steps: Vec<String> = answer.steps.iter().map(ToString::to_string).collect();
        format!("Answer {:?} with probability {}: {}", answer.text, number(answer.probability() as f32), steps.join("; "))
    };
    Features: |features| {
        let source = features.source().map(|source| format!(" from {source}")).unwrap_or_default();
        format!("{} features of {} samples{source}", features.n_features(), features.n_samples())
    };
    Labels: |labels| {
        let name = labels.name().map(|name| format!(" ({name})")).unwrap_or_default();
        format!("{} labels, {} of them positive{name}", labels.len(), labels.positives())
    };
    Split: |split| format!("{} samples to train on, {} to test on", split.train().len(), split.test().len());
    Examples: |examples| {
        let sites: Vec<String> = examples.by_site().into_iter().map(|(site, _)| site).collect();
        format!("Examples with {} and the features of {}", examples.labels(), sites.join(", "))
    };
    Repeats: |repeats| {
        let mean = repeats.mean(Score::Accuracy).map(|mean| format!(", accuracy {} on average", number(mean as f32)));
        format!("{} runs{}", repeats.runs().len(), mean.unwrap_or_default())
    };
    ResidStack: |stack| {
        let shown: Vec<String> = stack.labels().iter().take(4).map(ToString::to_string).collect();
        let rest = if stack.len() > shown.len() { ", …" } else { "" };
        format!("{} parts of the residual stream: {}{rest}", stack.len(), shown.join(", "))
    };
    Curve: |curve| {
        let last = curve.last().map(|last| format!(", the last of them {}", number(last))).unwrap_or_default();
        format!("A curve of {} points{last}", curve.points().len())
    };
    Direction: |direction| {
        let (site, norm) = (direction.site(), number(direction.norm()));
        format!("A direction at {site} of length {norm}")
    };
    Metric: |metric| format!("Metric({})", metric.name());
    Parameters: |parameters| format!("Parameters in {} tensors", parameters.names().len());
}

#[cfg(test)]
mod tests {
    use crate::{Model, Result, hook::Site, probe::*};
    use ndarray::Array2;
    use std::{fs, path::Path};

    fn short(said: &str) {
        let dumped = ["strides", "layout", "Arc", "Tensor[", "\n"].into_iter().find(|dump| said.contains(dump));
        assert!(said.len() < 300 && dumped.is_none(), "{said}");
    }

    #[test]
    fn values_print_in_a_line_without_their_numbers() -> Result<()> {
        let model = Model::open("induction-2l")?;
        let test = model.test_prompt("red fox blue owl red fox blue", ["owl"])?;
        let (answer, step) = (&test.answers()[0], &test.steps(0)[0]);
        assert!(step.to_string().starts_with("owl: rank 1, "), "{step}");
        let features = Features::new(Array2::zeros((400, 30)))?;
        let labels: Labels = (0..400).map(|sample| sample % 2 == 0).collect();
        assert_eq!(format!("{labels:?}"), "400 labels, 200 of them positive");
        let split = Split::stratified(&labels, 0.25, 0)?;
        let stack = model.run("red fox blue")?.decompose_heads(Site::resid_post(1))?;
        for said in [
            format!("{answer:?}"),
            format!("{step:?}"),
            format!("{features:?}"),
            format!("{split:?}"),
            format!("{stack:?}"),
            format!("{model:?}"),
            format!("{:?}", model.run("red fox blue")?),
        ] {
            short(&said);
        }
        Ok(())
    }

    /// Types whose derived `Debug` would print every number.
    #[test]
    fn no_public_type_derives_a_print_of_whole_arrays() {
        fn walk(folder: &Path, found: &mut Vec<String>) {
            for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
                if entry.is_dir() {
                    walk(&entry, found);
                    continue;
                }
                let text = fs::read_to_string(&entry).unwrap();
                for (at, _) in text.match_indices("\npub struct ") {
                    let attributes = text[..at].rsplit("\n\n").next().unwrap_or_default();
                    let body = text[at..].split("\n}").next().unwrap_or_default();
                    let body = if body.lines().nth(1).is_some_and(|line| line.ends_with(");")) { "" } else { body };
                    let large =
                        ["Array1<", "Array2<", "Array3<", "ArrayD<", "Arc<[", "Vec<bool>", "ActivationCache,", "Var>"];
                    if attributes.contains("Debug") && large.iter().any(|large| body.contains(large)) {
                        let name = body.lines().nth(1).unwrap_or_default();
                        found.push(format!("{}: {name}", entry.display()));
                    }
                }
            }
        }
        let mut found = Vec::new();
        walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
        assert!(found.is_empty(), "give these a line in src/brief.rs:\n{}", found.join("\n"));
    }
}
