"""How a figure reaches the notebook."""

import unittest

from session import Session

FIGURE = 'Bars::new([("Mary", 0.7), ("John", 0.2)]).title("Next token").draw()'


class Figures(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.kernel = Session.of(cls)
        cls.kernel.check("use glassbox::plot::Bars;")

    def assert_shown(self, cell):
        (bundle,) = cell.bundles
        self.assertEqual(sorted(bundle), ["text/html", "text/plain"])
        self.assertIn("<svg ", bundle["text/html"])
        self.assertIn("Mary", bundle["text/plain"])
        self.assertEqual(cell.stdout, "")

    def test_a_figure_is_one_bundle_of_html_and_plain_text(self):
        self.kernel.check(f"let figure = {FIGURE}?;")
        self.assert_shown(self.kernel.check("figure"))

    def test_a_result_is_shown_without_a_question_mark(self):
        self.assert_shown(self.kernel.check(FIGURE))

    def test_an_error_is_one_sentence_without_a_question_mark(self):
        (bundle,) = self.kernel.check('Bars::new([("Mary", f32::NAN); 0]).draw()').bundles
        self.assertTrue(bundle["text/plain"].startswith("Error: "), bundle)
        self.assertEqual(sorted(bundle), ["text/html", "text/plain"])

    def test_an_untyped_number_is_shown_in_the_cell_that_names_it(self):
        self.assertEqual(self.kernel.check("let n = 3;\nn").text, "3")
        self.assertEqual(self.kernel.check("let x = 1.5;\nx").text, "1.5")

    def test_the_same_figure_twice_is_the_same_bytes(self):
        first, second = (self.kernel.check(FIGURE).bundles for _ in range(2))
        self.assertEqual(first, second)
