"""Writing that never leaves half a file: beside, then renamed."""

import os
import shutil
import tempfile
from pathlib import Path


def write_whole(path, text):
    """Put `text` in place of a file in one step. A link stays and what it leads to is replaced; permissions stay."""
    path = Path(os.path.realpath(path))
    handle, partial = tempfile.mkstemp(prefix=".", suffix=".partial", dir=path.parent)
    try:
        with open(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            shutil.copymode(path, partial)
        else:
            os.chmod(partial, 0o666 & ~umask())
        os.replace(partial, path)
    except BaseException:
        os.unlink(partial)
        raise


def umask():
    """The system tells it only to those who set it."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
