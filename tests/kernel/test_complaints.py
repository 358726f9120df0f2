"""An executed notebook is not called fine when a cell shows an error, or a picture as text."""

import sys
import unittest

from session import NOTEBOOKS

sys.path.insert(0, str(NOTEBOOKS / "lab.d"))

from rules import complaint  # noqa: E402


def cell(data, tags=()):
    return {"metadata": {"tags": list(tags)}, "outputs": [{"output_type": "execute_result", "data": data}]}


class Complaints(unittest.TestCase):
    def test_an_error_that_is_shown_is_a_fault(self):
        error = {"text/html": "<div>", "text/plain": "Error: there is no hook named `x`"}
        self.assertIn("no hook", complaint(cell(error)))
        self.assertIsNone(complaint(cell(error, ["raises-exception"])))

    def test_a_picture_that_is_shown_as_text_is_a_fault(self):
        for text in ["Ok(Figure(457×198 px: a))", "Figure(457×198 px: a)", 'Err("no")', "Some(3)"]:
            self.assertIn(text, complaint(cell({"text/plain": text})))

    def test_pictures_and_plain_values_are_fine(self):
        self.assertIsNone(complaint(cell({"text/html": "<svg>", "text/plain": "Figure(1)"})))
        self.assertIsNone(complaint(cell({"text/plain": "3"})))


if __name__ == "__main__":
    unittest.main()
