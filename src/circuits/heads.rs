//! Which heads look back one token, which at the same token, which at what came after it.

use crate::{
    Result,
    hook::Site,
    model::Run,
    notebook::Show,
    plot::{Figure, Heatmap},
};
use ndarray::Array2;

/// How much of three habits each head has, 0 to 1, on the text of one run.
///
/// A score is the part of a head's attention that goes where the habit looks, averaged over the positions where the
/// habit has somewhere to look (Elhage et al. 2021, Olsson et al. 2022).
///
/// # Examples
/// ```
/// use glassbox::{circuits::head_scores, prelude::*};
/// let run = Model::open("induction-2l")?.run("red fox blue owl tree red fox blue owl tree")?;
/// let scores = head_scores(&run)?;
/// let (layer, _, score) = scores.strongest_induction();
/// assert_eq!(layer, 1);
/// assert!(score > 0.8);
/// # Ok::<(), glassbox::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct HeadScores {
    /// Attention to the token before.
    ///
    /// # Shapes
    /// `[layer, head]`
    pub previous_token: Array2<f32>,
    /// Attention to earlier copies of the same token.
    ///
    /// # Shapes
    /// `[layer, head]`
    pub duplicate_token: Array2<f32>,
    /// Attention to the token after an earlier copy of the same token.
    ///
    /// # Shapes
    /// `[layer, head]`
    pub induction: Array2<f32>,
}

/// The habits of every head on the first text of a run.
///
/// Duplicate and induction scores are 0 when no token of the text comes twice.
///
/// # Errors
/// When the run did not record the attention patterns.
pub fn head_scores(run: &Run) -> Result<HeadScores> {
    let config = run.model().config();
    let ids = run.tokens().ids(0);
    let zeros = || Array2::zeros((config.n_layers, config.n_heads));
    let mut scores = HeadScores { previous_token: zeros(), duplicate_token: zeros(), induction: zeros() };
    for layer in 0..config.n_layers {
        let heads = run.cache().get(Site::pattern(layer))?.get(0)?.to_vec3::<f32>()?;
        for (head, pattern) in heads.iter().enumerate() {
            let at = [layer, head];
            scores.previous_token[at] = mean_attention(pattern, |query| query.checked_sub(1).into_iter().collect());
            scores.duplicate_token[at] = mean_attention(pattern, |query| earlier(ids, query).collect());
            scores.induction[at] = mean_attention(pattern, |query| earlier(ids, query).map(|key| key + 1).collect());
        }
    }
    Ok(scores)
}

/// Earlier positions of the token at `query`.
fn earlier(ids: &[u32], query: usize) -> impl Iterator<Item = usize> {
    (0..query).filter(move |&key| ids[key] == ids[query])
}

/// The attention from each query to the keys it ought to look at, averaged over the queries that have such keys.
fn mean_attention(pattern: &[Vec<f32>], keys: impl Fn(usize) -> Vec<usize>) -> f32 {
    let on_keys = pattern.iter().enumerate().filter_map(|(query, row)| {
        let keys = keys(query);
        (!keys.is_empty()).then(|| keys.iter().map(|&key| row[key]).sum::<f32>())
    });
    let (sum, count) = on_keys.fold((0.0, 0), |(sum, count), value| (sum + value, count + 1));
    if count == 0 { 0.0 } else { sum / count as f32 }
}

/// The largest entry: layer, head, value.
fn strongest(scores: &Array2<f32>) -> (usize, usize, f32) {
    let best = scores.indexed_iter().max_by(|a, b| a.1.total_cmp(b.1));
    best.map_or((0, 0, 0.0), |((layer, head), &score)| (layer, head, score))
}

impl HeadScores {
    /// The mean of several texts' scores, which must be of one model; of none, no heads.
    pub(crate) fn mean(scores: &[Self]) -> Self {
        let mean = |which: fn(&Self) -> &Array2<f32>| {
            let sum = scores.iter().map(which).cloned().reduce(|a, b| a + b);
            sum.map_or_else(|| Array2::zeros((0, 0)), |sum| sum / scores.len() as f32)
        };
        Self {
            previous_token: mean(|scores| &scores.previous_token),
            duplicate_token: mean(|scores| &scores.duplicate_token),
            induction: mean(|scores| &scores.induction),
        }
    }

    /// Layer, head and score of the head that looks most at the token before.
    pub fn strongest_previous_token(&self) -> (usize, usize, f32) {
        strongest(&self.previous_token)
    }

    /// Layer, head and score of the head that looks most at earlier copies of the same token.
    pub fn strongest_duplicate_token(&self) -> (usize, usize, f32) {
        strongest(&self.duplicate_token)
    }

    /// Layer, head and score of the strongest induction head.
    pub fn strongest_induction(&self) -> (usize, usize, f32) {
        strongest(&self.induction)
    }

    /// Three maps of layers by heads, on one scale.
    ///
    /// # Errors
    /// When the model has no heads.
    pub fn figure(&self) -> Result<Figure> {
        Heatmap::facets([
            ("previous token", self.previous_token.clone()),
            ("same token", self.duplicate_token.clone()),
            ("induction", self.induction.clone()),
        ])
        .title("What each head looks at")
        .value("attention")
        .x_index("head")
        .y_index("layer")
        .range(0.0, 1.0)
        .print(usize::MAX)
        .draw()
    }

    /// Shows the maps in a notebook.
    pub fn evcxr_display(&self) {
        Show::evcxr_display(self);
    }
}

impl Show for HeadScores {
    fn html(&self) -> String {
        self.figure().html()
    }

    fn plain(&self) -> String {
        self.figure().plain()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_scores_by_where_it_looks_and_only_where_there_is_something_to_see() {
        // Tokens a b a b: the last two positions have an earlier copy.
        let ids = [7, 8, 7, 8];
        let looks_one_back = vec![
            vec![1.0, 0.0, 0.0, 0.0],
            vec![1.0, 0.0, 0.0, 0.0],
            vec![0.0, 1.0, 0.0, 0.0],
            vec![0.0, 0.0, 1.0, 0.0],
        ];
        assert_eq!(mean_attention(&looks_one_back, |query| query.checked_sub(1).into_iter().collect()), 1.0);
        assert_eq!(mean_attention(&looks_one_back, |query| earlier(&ids, query).collect()), 0.0);
        assert_eq!(mean_attention(&looks_one_back, |query| earlier(&ids, query).map(|key| key + 1).collect()), 1.0);
        assert_eq!(mean_attention(&looks_one_back, |query| earlier(&[1, 2, 3, 4], query).collect()), 0.0);
    }
}
