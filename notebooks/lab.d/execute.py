"""Execute notebooks with the Rust kernel and no browser; one line for each, and the failing cell where one fails."""

import argparse
import statistics
import subprocess
import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient

from rules import complaint
from whole import write_whole

NOTEBOOKS = Path(__file__).resolve().parent.parent
EXECUTED = NOTEBOOKS / "executed"


def execute(path, timeout):
    """Run every code cell until one fails. Returns the notebook, the seconds of each cell, and (cell, complaint) or None."""
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook,
        kernel_name="rust",
        timeout=timeout,
        startup_timeout=300,
        allow_errors=True,
        record_timing=False,
        resources={"metadata": {"path": str(path.parent)}},
    )
    code_cells = [(index, cell) for index, cell in enumerate(notebook.cells) if cell.cell_type == "code"]
    seconds, failure = [], None
    with client.setup_kernel(stdout=subprocess.DEVNULL):
        for number, (index, cell) in enumerate(code_cells, start=1):
            start = time.monotonic()
            client.execute_cell(cell, index, execution_count=number)
            seconds.append(time.monotonic() - start)
            if (text := complaint(cell)) is not None:
                failure = (number, cell, text)
                break
        client.set_widgets_metadata()
    return notebook, seconds, failure


def report(path, seconds, failure):
    slowest = max(range(len(seconds)), key=seconds.__getitem__) if seconds else 0
    later = seconds[1:] or seconds or [0.0]
    print(
        f"{'FAILED' if failure else 'ok':<7}{path.name:<36}{len(seconds):>4} cells {sum(seconds):>7.1f} s   "
        f"slowest {slowest + 1:>2} ({max(seconds, default=0):.1f} s)   median {statistics.median(later):.2f} s",
        flush=True,
    )
    if failure:
        number, cell, text = failure
        print(f"\n  cell {number}:\n{indent(cell.source)}\n  says:\n{indent(text)}\n", flush=True)


def indent(text):
    return "\n".join("    " + line for line in text.rstrip().splitlines())


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--in-place", action="store_true")
    parser.add_argument("--timeout", type=int, required=True)
    parser.add_argument("notebooks", nargs="*")
    options = parser.parse_args()
    paths = [find(name) for name in options.notebooks] or sorted(NOTEBOOKS.glob("*.ipynb"))
    failed = 0
    for path in paths:
        notebook, seconds, failure = execute(path, options.timeout)
        report(path, seconds, failure)
        failed += failure is not None
        EXECUTED.mkdir(exist_ok=True)
        text = nbformat.writes(notebook).rstrip("\n") + "\n"
        write_whole(EXECUTED / path.name, text)
        if options.in_place and failure is None:
            write_whole(path, text)
    print(f"notebooks: {len(paths) - failed} passed, {failed} failed")
    return 1 if failed else 0


def find(name):
    for path in (Path(name), NOTEBOOKS / name, NOTEBOOKS / f"{name}.ipynb"):
        if path.is_file():
            return path.resolve()
    sys.exit(f"There is no notebook {name} here or in {NOTEBOOKS}.")


if __name__ == "__main__":
    sys.exit(main())
