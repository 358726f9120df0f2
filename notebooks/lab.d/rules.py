"""What the runner and the linter agree on."""

import re

FIRST_CELL = ":dep ./kernel\nuse glassbox::prelude::*;"
ANSI = re.compile(r"\x1b\[[0-9;]*m")


def complaint(cell):
    """What went wrong in an executed code cell, or None.

    The kernel sends compile errors as `error`, but a `?` that fails and a panic only write to stderr and count as
    success; so anything on stderr is a failure, unless the cell is tagged `raises-exception`.
    """
    if "raises-exception" in cell["metadata"].get("tags", []):
        return None
    for output in cell["outputs"]:
        if output["output_type"] == "error":
            return ANSI.sub("", "\n".join(output["traceback"]) or output["evalue"])
        if output["output_type"] == "stream" and output["name"] == "stderr":
            return "".join(output["text"])
    return None
