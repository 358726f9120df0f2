"""A notebook that loads the crate as an ordinary dependency is told so; one that loads a shared library is not."""

import os
import tempfile
import textwrap
import unittest
from pathlib import Path

from session import NOTEBOOKS, Session

SOURCE = NOTEBOOKS.parent / "src" / "kernel_check.rs"


def crate(folder, crate_type):
    """A crate that is nothing but the check, as quick to build as the real one is slow."""
    (folder / "src").mkdir(parents=True)
    (folder / "Cargo.toml").write_text(
        textwrap.dedent(f"""\
            [package]
            name = "checked"
            version = "0.1.0"
            edition = "2024"
            [lib]
            crate-type = ["{crate_type}"]
            """)
    )
    (folder / "src" / "lib.rs").write_text(
        f'#[path = "{SOURCE}"]\nmod kernel_check;\npub fn open() {{ kernel_check::warn_if_statics_are_duplicated() }}\n'
    )


class PlainDependency(unittest.TestCase):
    def said_with(self, crate_type):
        with tempfile.TemporaryDirectory() as folder:
            crate(Path(folder) / "checked", crate_type)
            with Session(first_cell=":dep ./checked", folder=folder) as kernel:
                return [kernel.run("checked::open(); checked::open();").stderr for _ in range(2)]

    def test_each_cell_with_its_own_copy_says_so_once(self):
        for said in self.said_with("lib"):
            self.assertEqual(said.count(":dep ./kernel"), 1, said)

    def test_a_shared_library_is_silent(self):
        self.assertEqual(self.said_with("dylib"), ["", ""])

    @unittest.skipUnless("GLASSBOX_SLOW" in os.environ, "builds the crate from source: set GLASSBOX_SLOW=1")
    def test_the_crate_itself_warns_where_ids_collide(self):
        plain = ':opt 0\n:dep glassbox = { path = "..", default-features = false }\nuse glassbox::prelude::*;'
        with Session(first_cell=plain) as kernel:
            kernel.check("use glassbox::candle_core::{Device, Tensor};")
            for name in ("first", "second"):
                kernel.check(f"let {name} = Tensor::new(1f32, &Device::Cpu)?;")
            self.assertEqual(kernel.check("first.id() == second.id()").text, "true")
            self.assertIn(":dep ./kernel", kernel.run('Model::open("induction-2l")?;').stderr)
