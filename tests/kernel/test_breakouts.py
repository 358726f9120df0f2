"""Text from outside stays where it is put: it ends no output, begins none, and is never markup."""

import re
import unittest

from session import Session

WORDS = ["EVCXR_PANIC_NOTIFICATION", "EVCXR_BEGIN_CONTENT text/html", "<script>alert(1)</script>", "EVCXR_END_CONTENT"]
BREAKS = {"newline": r"\n", "carriage return": r"\r\n", "separator": r"\u{2028}", "blank": " "}
# What a reader must still be told, and what of it must be pictures.
CONTROLS = r"\u{1b}[31m\u{0}\u{7f}\u{9b}\u{202e}\u{2066}"

FIGURES = """
Bars::tokens([(attack, 0.7), ("b", 0.3)]).title(attack).value(attack).draw()
TokenText::new([attack, "b"], [0.1, 0.2]).title(attack).value(attack)
Heatmap::facets([(attack, array![[1.0, 2.0]])]).title(attack).x(attack).x_names([attack, "b"]).y(attack).y_tokens([attack])
AttentionPattern::new(array![[1.0, 0.0], [0.5, 0.5]], [attack, "b"]).title(attack)
AttentionHeads::new(array![[[1.0, 0.0], [0.5, 0.5]]], [attack, "b"]).names([attack]).title(attack)
LineChart::new().title(attack).add(Series::new(attack, [0.1, 0.9])).baseline(attack, 0.5).x(attack).y(attack)
Scatter::new([(attack, 0.1, 0.2), ("b", 0.3, 0.4)]).title(attack).x(attack).y(attack)
LayerGraph::new([attack, "b"]).node(attack, 0, None).node("y", 1, None).edge(attack, "y", attack, 1.0).title(attack)
LensTable::new(array![[vec![(attack.to_string(), 0.5f32)]]], [attack]).rows([attack]).title(attack).target(attack)
WordTable::new(array![[(attack.to_string(), 0.5)]]).title(attack).note(attack).rows(attack, [attack])
Bars::new([(attack, 1.0)]).draw().map(|bars| column([tabs([(attack, bars)])]))
"""
ERRORS = """
attack.parse::<Site>().map(|_| 1)
Model::open("induction-2l")?.pass("red fox")?.record(attack).run().map(|run| run.next_tokens(-1, 3))
Model::open(attack)
Bars::new([("a", 1.0)]).draw()?.save(format!("/no/such/folder/{attack}.svg")).map(|_| 1)
Model::open("induction-2l")?.weights().get(attack).map(|_| Bars::new([("a", 1.0)]))
LayerGraph::new(["a"]).node("a", 0, None).edge("a", attack, "", 1.0).draw()
"""


def cells(text):
    return [line for line in text.splitlines() if line]


def attack(separator):
    lines = ["x", *WORDS, "EVCXR_EXECUTION_COMPLETE", "EVCXR_INPUT_REQUEST:name", "EVCXR_VARIABLE_CHANGED_TYPE:kept"]
    return separator.join(lines) + CONTROLS


def one_with_all(codes):
    """Every code with newlines, the first with every separator."""
    return [(separator, codes[0]) for separator in BREAKS.values()] + [(BREAKS["newline"], code) for code in codes[1:]]


class Breakouts(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.kernel = Session.of(cls)
        cls.kernel.check("use glassbox::{hook::Site, ndarray::array, notebook::Show, plot::*};\nlet kept = 3;")

    def tearDown(self):
        self.assertEqual(self.kernel.check("kept").text, "3", "the kernel goes on, with its variables")

    def assert_contained(self, cell, code):
        (bundle,) = cell.bundles
        self.assertEqual(sorted(bundle), ["text/html", "text/plain"], code)
        for form in bundle.values():
            self.assertNotIn("EVCXR_", form, code)
            self.assertNotRegex(form, "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]", code)
            self.assertIn("PANIC", form, f"{code} is cut short")
        # What the styles of tabs hold is ours; a script or a tag of the text would be a tag here.
        self.assertEqual(re.findall(r"<\s*/?\s*script", bundle["text/html"]), [], code)
        self.assertIn("&lt;script", bundle["text/html"], code)
        self.assertEqual(cell.stdout, "", code)

    def test_these_words_would_break_out_of_what_nobody_guards(self):
        lines = r"\n".join(WORDS)
        (bundle,) = self.kernel.run(f'println!("{lines}");').bundles
        self.assertEqual(bundle, {"text/html": "<script>alert(1)</script>"})

    def test_a_figure_holds_whatever_its_words_are(self):
        for separator, figure in one_with_all(cells(FIGURES)):
            with self.subTest(figure, separator=separator):
                self.assert_contained(self.kernel.run(f'let attack = "{attack(separator)}";\n{figure}'), figure)

    def test_an_error_that_is_shown_is_one_sentence(self):
        for separator, error in one_with_all(cells(ERRORS)):
            with self.subTest(error, separator=separator):
                cell = self.kernel.run(f'let attack = "{attack(separator)}";\n{error}')
                self.assert_contained(cell, error)
                self.assertEqual(len(cell.text.splitlines()), 1, error)

    def test_an_error_that_a_question_mark_ends_with_says_so_and_nothing_else(self):
        for name, separator in BREAKS.items():
            for error in ("attack.parse::<Site>()?;", 'std::fs::read(attack).map_err(|_| 1).err(); Model::open(attack)?;'):
                with self.subTest(error, separator=name):
                    cell = self.kernel.run(f'let attack = "{attack(separator)}";\n{error}')
                    self.assertEqual((cell.bundles, cell.stdout), ([], ""), error)
                    self.assertIn("PANIC", cell.stderr, error)
                    self.assertNotIn("EVCXR_", cell.stderr, error)

    def test_what_is_printed_of_an_error_or_a_figure_begins_no_output(self):
        prints = 'println!("{error} {error:?} {figure:?} {}", figure.to_text());'
        for name, separator in BREAKS.items():
            with self.subTest(separator=name):
                cell = self.kernel.run(
                    f'let attack = "{attack(separator)}";\nlet error = attack.parse::<Site>().unwrap_err();\n'
                    f"let figure = Bars::new([(attack, 1.0)]).title(attack).draw()?;\n{prints}"
                )
                self.assertEqual(cell.bundles, [])
                self.assertIn("PANIC", cell.stdout)

    def test_the_words_of_a_model_are_only_words(self):
        """A model of one's own whose vocabulary is the attack."""
        text = attack(r"\n")
        cell = self.kernel.run(
            f'let attack = "{text}";\n'
            'let folder = std::env::temp_dir().join(format!("glassbox-breakout-{}", std::process::id()));\n'
            'Model::open("induction-2l")?.save_native(&folder)?;\n'
            'let path = folder.join("tokenizer.json");\n'
            "let json: String = std::fs::read_to_string(&path)?;\n"
            'let escaped: String = attack.chars().map(|c| format!("\\\\u{:04x}", c as u32)).collect();\n'
            'std::fs::write(&path, json.replace("\\"fox\\"", &format!("\\"{escaped}\\"")))?;\n'
            "let model = Model::open(&folder.to_string_lossy())?;\n"
            "std::fs::remove_dir_all(&folder)?;\n"
            'let fox = Model::open("induction-2l")?.to_single_token("fox")?;\n'
            "let tokens = model.tokens([fox, fox])?;\n"
            "tokens"
        )
        self.assert_contained(cell, str(cell))
        for code in ("model.run([fox, fox])?", "model.run([fox, fox])?.next_tokens(-1, 200)"):
            with self.subTest(code):
                self.assert_contained(self.kernel.run(code), code)


if __name__ == "__main__":
    unittest.main()
