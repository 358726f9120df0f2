//! Which results of analyses are one figure, so that they can stand in rows, columns and tabs.
//!
//! To add a result that draws itself, add one line here.

use crate::plot::drawn;

drawn! {
    crate::circuits::CompositionScores: figure;
    crate::circuits::Eigenvalues: figure;
    crate::circuits::HeadLabels: figure;
    crate::circuits::HeadScores: figure;
    crate::circuits::SvdReading: figure;
    crate::circuits::TokenCircuit: figure;
    crate::decompose::LogitAttribution: bars;
    crate::fourier::Spectrum: draw;
    crate::lens::LogitLens: figure;
    crate::model::FilledMasks: figure;
    crate::model::PromptTest: draw;
    crate::model::SentenceEmbeddings: figure;
    crate::patching::Agreement: figure;
    crate::patching::Circuit: figure;
    crate::patching::FaithfulnessCurve: figure;
    crate::patching::PatchSweep: figure;
    crate::probe::ProbeCurve: picture;
    crate::probe::ProbeReport: picture;
    crate::probe::SparseProbe: picture;
    crate::steering::DoseCurve: figure;
}
