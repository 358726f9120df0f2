"""The prelude gives names and takes none."""

import unittest

from session import Session

# Each cell with what its last expression shows.
OWN = [
    ("let mean = 3.0; let row = vec![1, 2]; let scale = 2; let display = 4; (mean, row.len(), scale, display)", "(3.0, 2, 2, 4)"),
    ("fn add(a: f64, b: f64) -> f64 { a + b }\nadd(1.0, 2.0)", "3.0"),
    ("fn patch() -> u32 { 7 }\nfn tabs(n: usize) -> String { \"-\".repeat(n) }\n(patch(), tabs(2))", '(7, "--")'),
    ("struct Features { n: usize }\nFeatures { n: 3 }.n", "3"),
    ("enum Palette { Red, Blue }\nmatches!(Palette::Blue, Palette::Blue)", "true"),
    ("fn softmax(x: f64) -> f64 { x.exp() }\nsoftmax(0.0)", "1.0"),
    ("fn halve(n: u32) -> Result<u32> { Ok(n / 2) }\nhalve(4)", "2"),
    ("fn check(n: u32) -> Result<u32, String> { Ok(n) }\ncheck(1)", "1"),
]


class Names(unittest.TestCase):
    def assert_own_names_win(self, kernel, cells=OWN):
        for code, shown in cells:
            self.assertEqual(kernel.check(code).text, shown, code)

    def test_a_name_of_ones_own_wins_over_the_prelude(self):
        kernel = Session.of(type(self))
        kernel.check('use glassbox::circuits::*;\nuse glassbox::{patching::*, plot::*, probe::*, weights::*, text::*};')
        self.assert_own_names_win(kernel)
        kernel.check("let mean_of = Tensor::new(&[1f32, 2.0], &Device::Cpu)?.mean_all()?;")

    def test_all_of_ndarray_may_stand_beside_the_prelude(self):
        kernel = Session.of(type(self))
        kernel.check("use glassbox::ndarray::*;")
        self.assert_own_names_win(kernel)
        self.assertIn("[0, 0]", kernel.check("Array1::<f32>::zeros(2)").text)
        kernel.check("let grid: Array2<f32> = array![[1.0, 2.0]]; Heatmap::new(grid.clone())")

    def test_all_of_candle_may_stand_beside_the_prelude_but_for_result(self):
        kernel = Session.of(type(self))
        kernel.check("use glassbox::candle_core::*;")
        self.assert_own_names_win(kernel, [cell for cell in OWN if "Result<u32>" not in cell[0] and "Result<u32," not in cell[0]])
        kernel.check("let t = Tensor::new(&[1f32, 2.0], &Device::Cpu)?; t.softmax(-1)?;")
        self.assertEqual(kernel.check("fn halve(n: u32) -> glassbox::Result<u32> { Ok(n / 2) }\nhalve(4)").text, "2")

    def test_what_a_notebook_uses_is_there(self):
        kernel = Session.of(type(self))
        kernel.check(
            "let x = Tensor::new(&[[1f32, 2.0], [3.0, 4.0]], &Device::Cpu)?;\n"
            "let chance = x.softmax(-1)?; let logs = log_softmax(&x, D::Minus1)?; let first = x.i((0, 1))?;\n"
            "let weight = Var::zeros((2, 2), DType::F32, &Device::Cpu)?; let grid = Array2::<f32>::zeros((2, 2));"
        )
        for picture in [
            'LineChart::new().add(Series::new("loss", [3.0, 2.0]))',
            'Scatter::new([("L0H0", 0.1, 0.4), ("L0H1", 0.3, 0.2)])',
            "Heatmap::new(Array2::<f32>::zeros((2, 3)))",
            'TokenText::new(["red", "fox"], [0.2, 0.9])',
        ]:
            (bundle,) = kernel.check(picture).bundles
            self.assertIn("<svg ", bundle["text/html"], picture)


if __name__ == "__main__":
    unittest.main()
