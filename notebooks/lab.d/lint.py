"""What must hold for every committed notebook, checked without running it."""

import json
import re
import sys
from pathlib import Path

from rules import FIRST_CELL, complaint

NOTEBOOKS = Path(__file__).resolve().parent.parent
LARGEST = 1_000_000
# Notebooks that take a model from GLASSBOX_MODEL speak of SmolLM2, whose pictures have this token. The models that ship
# have no spaces in their tokens.
TOKEN_OF_SMOLLM2 = "·Mary"
MACHINE_PATH = re.compile(r"(?:/root|/home/\w+|/Users/\w+|/work|/tmp)/\S*")


def faults(path):
    """One sentence for each rule that the notebook breaks."""
    text = path.read_text(encoding="utf-8")
    notebook = json.loads(text)
    if len(text.encode()) > LARGEST:
        yield f"is {len(text.encode()) / 1e6:.1f} MB; the limit is {LARGEST / 1e6:.0f} MB"
    if notebook["metadata"].get("kernelspec", {}).get("name") != "rust":
        yield "does not name the kernel `rust` in its kernelspec"
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    if not code or not "".join(code[0]["source"]).startswith(FIRST_CELL):
        yield f"does not begin with the cell\n    {FIRST_CELL!r}"
    if skipped := sum(cell["execution_count"] is None for cell in code):
        yield f"has {skipped} of {len(code)} cells without outputs; `./notebooks/lab --run --in-place` makes them"
    outputs = json.dumps([cell["outputs"] for cell in code], ensure_ascii=False)
    if "GLASSBOX_MODEL" in text and TOKEN_OF_SMOLLM2 not in outputs:
        yield "speaks of SmolLM2 and shows another model: set GLASSBOX_MODEL before --run --in-place"
    for number, cell in enumerate(code, start=1):
        if (said := complaint(cell)) is not None:
            yield f"cell {number} failed: {said.strip().splitlines()[0]}"
        for found in sorted(set(MACHINE_PATH.findall(json.dumps([cell["source"], cell["outputs"]])))):
            yield f"cell {number} names a folder of somebody's machine: {found}"


def main():
    paths = [Path(name) for name in sys.argv[1:]] or sorted(NOTEBOOKS.glob("*.ipynb"))
    broken = 0
    for path in paths:
        found = list(faults(path))
        broken += bool(found)
        for fault in found:
            print(f"{path.name} {fault}")
    print(f"notebooks: {len(paths) - broken} passed, {broken} failed")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
