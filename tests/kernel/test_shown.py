"""Whatever a cell does, what it shows is shown."""

import unittest

from session import Session

BARS = 'Bars::new([("Mary", 0.7), ("John", 0.2)])'


class Shown(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.kernel = Session.of(cls)

    def assert_picture(self, code, count=1):
        cell = self.kernel.check(code)
        (bundle,) = cell.bundles
        self.assertIn("text/html", bundle, f"no picture for\n{code}\n{bundle}")
        self.assertEqual(bundle["text/html"].count("<svg "), count, code)
        return bundle

    def test_the_first_question_mark_of_a_session_may_be_in_its_last_expression(self):
        kernel = Session.of(type(self))
        kernel.check("use glassbox::plot::*;")
        (bundle,) = kernel.check(f"{BARS}.draw()?").bundles
        self.assertIn("<svg ", bundle["text/html"])

    def test_a_last_expression_that_moves_a_variable_is_shown(self):
        self.kernel.check("use glassbox::plot::*;")
        self.kernel.check(f"let bars = {BARS}; let figures = vec![bars.draw()?, bars.draw()?];")
        self.assert_picture("column(figures)")
        self.kernel.check(f"let bars = {BARS};")
        self.assert_picture('bars.title("moved").draw()')
        self.kernel.check('let model = Model::open("induction-2l")?; let text = "red fox blue owl red fox".to_string();')
        self.kernel.check("let hook = zero(Site::z(1));")
        self.assert_picture("model.run_with(&text, [hook])?.next_tokens(-1, 3)?")
        self.kernel.check("let again = text.clone();")
        (bundle,) = self.kernel.check("model.run(again)?").bundles
        self.assertIn("text/html", bundle)

    def test_every_part_of_a_tuple_or_list_that_moves_variables_is_shown(self):
        self.kernel.check("use glassbox::plot::*;")
        self.kernel.check(f"let (one, two) = ({BARS}.draw()?, {BARS}.draw()?);")
        self.assert_picture("(one, two)", 2)
        self.kernel.check(f"let (one, two) = ({BARS}.draw()?, {BARS}.draw()?);")
        self.assert_picture("vec![one, two]", 2)
        self.kernel.check(f"let one = {BARS}.draw()?;")
        self.assert_picture("Some(one)")

    def test_results_options_vectors_tuples_and_references_are_shown(self):
        self.kernel.check("use glassbox::plot::*;")
        self.kernel.check(f"let kept = {BARS}.draw()?;")
        self.assert_picture(f"{BARS}.draw()")
        self.assert_picture(f"Some({BARS})")
        self.assert_picture(f"vec![{BARS}, {BARS}]", 2)
        self.assert_picture(f"[{BARS}, {BARS}]", 2)
        self.assert_picture(f"({BARS}, {BARS}.draw())", 2)
        self.assert_picture("&kept")

    def test_all_that_a_cell_shows_is_shown(self):
        self.kernel.check("use glassbox::plot::*;")
        self.assert_picture(f"display(&{BARS});\ndisplay(&{BARS});\n{BARS}.draw()", 3)
        self.assert_picture(f"for _ in 0..3 {{ {BARS}.evcxr_display(); }}", 3)
        self.assert_picture(f"{BARS}.draw()", 1)

    def test_an_unused_argument_adds_nothing_to_an_error(self):
        self.kernel.check("fn one(unused: usize) -> usize { 1 }")
        cell = self.kernel.run('let n: usize = "two";')
        self.assertNotIn("unused", str(cell))

    def test_an_error_of_the_tensor_library_is_one_line(self):
        cell = self.kernel.run(
            "use glassbox::candle_core::{Device, Tensor};\nTensor::zeros((2, 3), glassbox::candle_core::DType::F32, &Device::Cpu)?"
            ".reshape((4, 4))?;"
        )
        self.assertTrue(cell.failed)
        self.assertNotIn("::", cell.stderr, "frames of a backtrace")


if __name__ == "__main__":
    unittest.main()
