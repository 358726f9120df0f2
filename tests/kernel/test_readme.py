"""The README's lines, pasted one a cell, work and show what they say; so do the last expressions of the notebooks."""

import json
import re
import unittest

from session import NOTEBOOKS, Session

README = NOTEBOOKS.parent / "README.md"


def rust_blocks():
    return re.findall(r"^```rust\n(.*?)^```", README.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


class Readme(unittest.TestCase):
    def test_every_line_of_the_first_block_is_a_cell_that_works(self):
        kernel = Session.of(type(self))
        for line in filter(None, rust_blocks()[0].splitlines()):
            cell = kernel.check(line)
            if not re.match(r"(use|let) ", line):
                (bundle,) = cell.bundles
                self.assertIn("text/html", bundle, line)
                self.assertFalse(bundle["text/plain"].startswith("Error"), bundle["text/plain"])

    def test_the_block_about_the_first_cell_is_the_first_cell(self):
        self.assertIn(":dep ./kernel\nuse glassbox::prelude::*;\n", rust_blocks()[1])


class Notebooks(unittest.TestCase):
    def test_every_last_expression_of_the_notebooks_is_shown_as_html(self):
        for path in sorted(NOTEBOOKS.glob("*.ipynb")):
            cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
            for cell in (cell for cell in cells if cell["cell_type"] == "code"):
                source = "".join(cell["source"]).rstrip()
                if source.endswith(";") or source.startswith(":dep"):
                    continue
                shown = [output for output in cell["outputs"] if output["output_type"] == "execute_result"]
                self.assertEqual(len(shown), 1, f"{path.name}: {source}")
                data = shown[0]["data"]
                string = "".join(data["text/plain"]).startswith('"')
                self.assertTrue("text/html" in data or string, f"{path.name}: {source}")


if __name__ == "__main__":
    unittest.main()
