"""A Rust kernel as a notebook has it, one cell at a time."""

import queue
import re
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from jupyter_client.manager import KernelManager

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
FIRST_CELL = ":dep ./kernel\nuse glassbox::prelude::*;"
ANSI = re.compile(r"\x1b\[[0-9;]*m")


@dataclass
class Cell:
    """What one cell left behind."""

    seconds: float = 0.0
    stdout: str = ""
    stderr: str = ""
    errors: list = field(default_factory=list)
    bundles: list = field(default_factory=list)

    @property
    def failed(self):
        return bool(self.errors or self.stderr)

    @property
    def text(self):
        """The plain text of the cell's one output."""
        (bundle,) = self.bundles
        return bundle["text/plain"]

    def __str__(self):
        return "\n".join([self.stdout, self.stderr, *self.errors, *(b.get("text/plain", "") for b in self.bundles)])


class Session:
    """A kernel in the notebooks' folder. `with Session() as kernel: kernel.run("1 + 1").text`."""

    def __init__(self, first_cell=FIRST_CELL, folder=NOTEBOOKS):
        self.first_cell, self.folder = first_cell, folder

    def __enter__(self):
        start = time.monotonic()
        self.manager = KernelManager(kernel_name="rust")
        self.manager.start_kernel(cwd=str(self.folder), stdout=subprocess.DEVNULL)
        self.client = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=300)
        self.started_in = time.monotonic() - start
        try:
            self.first = self.check(self.first_cell)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.client.stop_channels()
        self.manager.shutdown_kernel()

    @classmethod
    def of(cls, test_class, **options):
        """A kernel for all tests of a class, shut down after the last."""
        session = cls(**options)
        test_class.addClassCleanup(session.__exit__)
        return session.__enter__()

    def check(self, code):
        """Run a cell that must succeed."""
        cell = self.run(code)
        assert not cell.failed, f"the cell\n{code}\nfailed:\n{cell}"
        return cell

    def run(self, code, timeout=1800):
        cell, start = Cell(), time.monotonic()
        request = self.client.execute(code)
        while True:
            message = self.client.get_iopub_msg(timeout=timeout)
            if message["parent_header"].get("msg_id") != request:
                continue
            kind, content = message["msg_type"], message["content"]
            if kind == "stream":
                setattr(cell, content["name"], getattr(cell, content["name"]) + content["text"])
            elif kind == "error":
                cell.errors.append(ANSI.sub("", content["evalue"] + "\n" + "\n".join(content["traceback"])))
            elif kind in ("execute_result", "display_data"):
                cell.bundles.append(content["data"])
            elif kind == "status" and content["execution_state"] == "idle":
                break
        cell.seconds = time.monotonic() - start
        # What the program wrote last travels by another thread than the end of the cell.
        try:
            while (late := self.client.get_iopub_msg(timeout=0.05)) is not None:
                if late["msg_type"] == "stream":
                    name = late["content"]["name"]
                    setattr(cell, name, getattr(cell, name) + late["content"]["text"])
        except queue.Empty:
            pass
        return cell
