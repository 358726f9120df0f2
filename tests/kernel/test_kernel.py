"""What the page about the Rust kernel says of it."""

import threading
import time
import unittest

from session import NOTEBOOKS, Session

PAGE = NOTEBOOKS.parent / "src" / "guide" / "rust_kernel.md"


class Kernel(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.kernel = Session.of(cls)
        cls.kernel.check('let kept = Model::open("induction-2l")?; let text = "red fox blue owl red fox";')

    def assert_gone(self, name):
        self.assertIn(f"cannot find value `{name}`", str(self.kernel.run(name)))

    def test_a_cell_that_fails_at_its_second_question_mark_loses_what_the_first_made(self):
        cell = self.kernel.run('let first = Model::open("induction-2l")?; let second = Model::open("no such model")?;')
        self.assertIn("no such model", cell.stderr)
        self.assertEqual(len(cell.stderr.strip().splitlines()), 1, cell)
        self.assert_gone("first")
        self.kernel.check("kept")

    def test_a_variable_that_borrows_is_refused_and_its_clone_is_kept(self):
        self.assertIn("non-static lifetime", str(self.kernel.run("let borrowed = &kept;")))
        self.kernel.check("let clone = kept.clone();")
        self.kernel.check("clone")

    def test_a_closure_in_a_variable_has_three_other_forms(self):
        self.assertIn("borrowed data escapes", str(self.kernel.run("let double = |x: f32| 2.0 * x;")))
        self.kernel.check("let double: fn(f32) -> f32 = |x| 2.0 * x;")
        self.kernel.check("let triple: Box<dyn Fn(f32) -> f32 + Send + Sync> = Box::new(|x| 3.0 * x);")
        self.assertEqual(self.kernel.check("(double(2.0), triple(2.0))").text, "(4.0, 6.0)")
        self.kernel.check("fn half(z: &Tensor) -> Result<Tensor> { Ok((z * 0.5)?) }")
        self.kernel.check("kept.run_with(text, edit(Site::z(1), |z| Ok(half(z)?)))?.next_tokens(-1, 2)")

    def test_variables_of_a_type_that_is_written_again_are_lost_and_others_stay(self):
        self.kernel.check("struct Pair { a: u32 }\nlet pair = Pair { a: 1 };")
        self.kernel.check("struct Pair { a: u32, b: u32 }")
        self.assertIn("redefined", str(self.kernel.run("pair.a")))
        self.kernel.check("kept")

    def test_the_text_of_new_tokens_can_be_gathered(self):
        cell = self.kernel.check(
            "let mut said = String::new(); kept.generate(text)?.max_new_tokens(2).stream(|new| said += &new.text)?; said"
        )
        self.assertIn("blue", cell.text)

    def test_a_model_that_cannot_be_downloaded_is_one_sentence(self):
        self.kernel.check('unsafe { std::env::set_var("HF_ENDPOINT", "http://127.0.0.1:9"); }')
        said = self.kernel.run('let other = Model::open("org/name")?;').stderr.strip()
        self.assertIn("org/name", said)
        self.assertNotIn("feature `hub`", said)
        self.assertEqual(len(said.splitlines()), 1, said)

    def test_an_interrupt_ends_the_cell_at_once_and_imports_and_functions_stay(self):
        with Session() as kernel:
            kernel.check("use std::time::Duration; fn twice(n: u32) -> u32 { 2 * n }")
            kernel.check("let number = 5;")
            asked = []
            timer = threading.Timer(2.0, lambda: (asked.append(time.monotonic()), kernel.manager.interrupt_kernel()))
            timer.start()
            cell = kernel.run("std::thread::sleep(Duration::from_secs(60));", timeout=120)
            self.assertLess(time.monotonic() - asked[0], 5.0)
            self.assertIn("SIGKILL", str(cell))
            self.assertIn("cannot find value `number`", str(kernel.run("number")))
            self.assertEqual(kernel.check("twice(2)").text, "4")
            # Said once, and still so.
            self.assertEqual(kernel.check('std::env::var("RUST_LIB_BACKTRACE")').text, '"0"')

    def test_the_lines_of_the_page_are_those_of_the_notebooks(self):
        lines = PAGE.read_text(encoding="utf-8").split("```text\n")[1].split("```")[0]
        settings = (NOTEBOOKS / "evcxr.toml").read_text(encoding="utf-8")
        self.assertIn(lines, settings)


if __name__ == "__main__":
    unittest.main()
