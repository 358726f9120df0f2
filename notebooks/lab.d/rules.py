"""What the runner and the linter agree on."""

import re

FIRST_CELL = ":dep ./kernel\nuse glassbox::prelude::*;"
# How the outputs begin of what should have been shown.
AS_TEXT = ("Ok(", "Err(", "Some(", "Figure(")
ANSI = re.compile(r"\x1b\[[0-9;]*m")


def complaint(cell):
    """What went wrong in an executed code cell, or None.

    The kernel sends compile errors as `error`, but a `?` that fails and a panic only write to stderr and count as
    success; so anything on stderr is a failure, unless the cell is tagged `raises-exception`. An error that is shown as
    the cell's output is one, too, and so is a picture that is shown as text.
    """
    if "raises-exception" in cell["metadata"].get("tags", []):
        return None
    for output in cell["outputs"]:
        if output["output_type"] == "error":
            return ANSI.sub("", "\n".join(output["traceback"]) or output["evalue"])
        if output["output_type"] == "stream" and output["name"] == "stderr":
            return "".join(output["text"])
        data = output.get("data", {})
        plain = "".join(data.get("text/plain", ""))
        if plain.startswith("Error: "):
            return plain
        if "text/html" not in data and plain.startswith(AS_TEXT):
            return f"a picture or a result is shown as text: {plain}"
    return None
