"""What a failed cell leaves alive."""

import unittest

from session import Session


class Errors(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.kernel = Session.of(cls)
        cls.kernel.check("use glassbox::candle_core::{Device, Tensor};")
        cls.kernel.check("let kept = Tensor::new(&[1f32, 2.0, 3.0], &Device::Cpu)?;")

    def tearDown(self):
        self.assertEqual(self.kernel.check("kept.sum_all()?.to_scalar::<f32>()?").text, "6.0")

    def test_variables_survive_a_question_mark_that_fails(self):
        cell = self.kernel.run("let lost = kept.matmul(&kept)?;")
        self.assertTrue(cell.failed)

    def test_variables_survive_a_cell_that_does_not_compile(self):
        cell = self.kernel.run("let lost = kept.no_such_method();")
        self.assertIn("no_such_method", str(cell))

    def test_variables_survive_a_panic(self):
        cell = self.kernel.run('panic!("on purpose");')
        self.assertIn("on purpose", cell.stderr)

    def test_a_failed_question_mark_names_the_shapes_in_words(self):
        cell = self.kernel.run("kept.matmul(&kept)?;")
        self.assertIn("[3]", cell.stderr)
        self.assertEqual(cell.errors, [], "a `?` that fails reaches the notebook through stderr only")

    def test_a_closure_in_a_variable_is_refused_with_the_reason(self):
        cell = self.kernel.run("let double = |x: f32| 2.0 * x;")
        self.assertIn("closure", str(cell))
