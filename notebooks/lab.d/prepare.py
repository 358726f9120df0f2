"""What a notebook needs, each step skipped when it is already there: Rust, the Rust kernel, JupyterLab, the library."""

import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import time
from pathlib import Path

from whole import write_whole

NOTEBOOKS = Path(__file__).resolve().parent.parent
VENV = NOTEBOOKS / ".venv"
REQUIREMENTS = NOTEBOOKS / "requirements.txt"
LIBRARY = NOTEBOOKS / "kernel" / "library"
EVCXR = "0.22.0"
OPTIONS = [f"--notebook-dir={NOTEBOOKS}", "--MultiKernelManager.default_kernel_name=rust"]
SHARED = ["-Cprefer-dynamic", "-Crpath"]  # the standard library, too, exists once


class Problem(Exception):
    """A sentence for the user: what is missing and what to type."""


def everything():
    for name, step in [
        ("Rust", rust),
        (f"Rust kernel (evcxr_jupyter {EVCXR})", kernel),
        ("JupyterLab in notebooks/.venv", jupyter),
        ("kernel registered in notebooks/.venv", kernelspec),
        ("notebook library", library),
    ]:
        start = time.monotonic()
        step()
        print(f"{name:<44} ready  {time.monotonic() - start:6.1f} s", flush=True)


# ---- Rust and its kernel


def rust():
    path = environment()["PATH"]
    if shutil.which("cargo", path=path) is None:
        raise Problem("cargo is not there. Install Rust with rustup (https://rustup.rs), open a new shell, and run this again.")
    # The kernel learns the types of variables by reading sources, the standard library's included.
    sysroot = output(["rustc", "--print", "sysroot"]).strip()
    if (Path(sysroot) / "lib/rustlib/src/rust/library").exists():
        return
    if shutil.which("rustup", path=path) is None:
        raise Problem(f"the standard library's sources are missing in {sysroot}. On Debian or Ubuntu: sudo apt-get install rust-src")
    run(["rustup", "component", "add", "rust-src"])


def kernel():
    if evcxr() is not None:
        return
    # Another version is somebody's choice: leave it alone and keep ours inside the notebooks' own folder.
    root = ["--root", str(VENV)] if "evcxr_jupyter" in installed() else []
    print(f"Building the Rust kernel, evcxr_jupyter {EVCXR}: about 25 CPU-minutes, once.", flush=True)
    run(["cargo", "install", "--locked", "evcxr_jupyter", "--version", EVCXR, *root])


def evcxr():
    """The kernel's program in the version the notebooks were made with, or None."""
    own = VENV / "bin" / "evcxr_jupyter"
    if own.exists():
        return own
    if installed().get("evcxr_jupyter") != EVCXR:
        return None
    found = shutil.which("evcxr_jupyter", path=environment()["PATH"])
    return Path(found) if found else None


def installed():
    """Programs from `cargo install` and their versions."""
    listing = output(["cargo", "install", "--list"])
    heads = (line.rstrip(":").split() for line in listing.splitlines() if line and not line[0].isspace())
    return {head[0]: head[1].lstrip("v") for head in heads}


# ---- Python


def jupyter():
    stamp = VENV / "requirements.sha256"
    wanted = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted and works(VENV / "bin" / "python", "-c", "pass"):
        return
    make_venv()
    print("Installing JupyterLab into notebooks/.venv.", flush=True)
    run([*pip(), "install", "--quiet", "--disable-pip-version-check", "--requirement", str(REQUIREMENTS)])
    write_whole(stamp, wanted)


def make_venv():
    if works(VENV / "bin" / "python", "-c", "pass"):
        return
    if sys.version_info < (3, 10):
        raise Problem(f"Python 3.10 or newer is needed; this is {platform.python_version()}.")
    # Debian ships Python without ensurepip; a bare environment that the system's pip fills will do as well.
    if works(sys.executable, "-c", "import ensurepip"):
        run([sys.executable, "-m", "venv", str(VENV)])
    elif works(sys.executable, "-m", "pip", "--version"):
        run([sys.executable, "-m", "venv", "--without-pip", str(VENV)])
    else:
        raise Problem("Python has neither venv nor pip here. On Debian or Ubuntu: sudo apt-get install python3-venv")


def pip():
    inside = VENV / "bin" / "python"
    if works(inside, "-m", "pip", "--version"):
        return [str(inside), "-m", "pip"]
    return [sys.executable, "-m", "pip", "--python", str(inside)]


def kernelspec():
    """Register the kernel for this environment only; the user's own Jupyter does not see it."""
    folder = VENV / "share" / "jupyter" / "kernels" / "rust"
    folder.mkdir(parents=True, exist_ok=True)
    spec = {
        "argv": [str(NOTEBOOKS / "lab.d" / "kernel"), str(evcxr()), "--control_file", "{connection_file}"],
        "display_name": "Rust",
        "language": "rust",
        "interrupt_mode": "message",
    }
    write_whole(folder / "kernel.json", json.dumps(spec, indent=2) + "\n")
    settings = VENV / "share" / "jupyter" / "lab" / "settings"
    settings.mkdir(parents=True, exist_ok=True)
    quiet = {"@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False}}
    write_whole(settings / "overrides.json", json.dumps(quiet, indent=2) + "\n")


# ---- The library


def library():
    """The command of kernel/build.rs: what is built here is what every kernel finds built."""
    env = environment()
    for name in list(env):
        if name.startswith(("CARGO_BUILD_", "CARGO_ENCODED_", "CARGO_PROFILE_", "CARGO_TARGET_", "RUSTC", "RUSTFLAGS")):
            del env[name]
    target = NOTEBOOKS / "kernel" / "target"
    if not target.exists():
        print("Building the notebook library: about 10 CPU-minutes, once.", flush=True)
    run(["cargo", "rustc", "--release", "--locked", "--target-dir", str(target), "--", *SHARED], cwd=LIBRARY, env=env)
    # The kernel reads the sources of every dependency, those for other systems included.
    run(["cargo", "fetch", "--quiet", "--locked"], cwd=LIBRARY)


# ---- Running things


def environment():
    """The shell's environment, with cargo's programs on the path and this environment's kernels first."""
    cargo_home = Path(os.environ.get("CARGO_HOME", Path.home() / ".cargo"))
    path = os.pathsep.join([os.environ.get("PATH", ""), str(cargo_home / "bin")])
    return {**os.environ, "PATH": path, "JUPYTER_PREFER_ENV_PATH": "1", "JUPYTER_DATA_DIR": str(VENV / "share" / "lab")}


def run(command, **options):
    options.setdefault("env", environment())
    status = subprocess.run(command, **options).returncode
    if status != 0:
        raise Problem(f"`{' '.join(command)}` failed with status {status}; its own message is above.")


def output(command):
    return subprocess.run(command, env=environment(), capture_output=True, text=True).stdout


def works(*command):
    try:
        return subprocess.run([str(part) for part in command], capture_output=True).returncode == 0
    except OSError:
        return False


def python(script, *arguments, interpreter=VENV / "bin" / "python"):
    """Run a script of this folder, with the environment's Python unless another is named."""
    command = [str(interpreter), "-B", str(NOTEBOOKS / "lab.d" / script), *arguments]
    return subprocess.run(command, env=environment()).returncode


def open_jupyter(options):
    notebooks = sorted(NOTEBOOKS.glob("*.ipynb"))
    # Unsigned outputs are shown without their pictures; these come from the clone itself.
    if notebooks:
        run([str(VENV / "bin" / "jupyter"), "trust", *map(str, notebooks)], stdout=subprocess.DEVNULL)
    command = [str(VENV / "bin" / "jupyter"), "lab", *OPTIONS, *options, *map(str, notebooks[:1])]
    if os.geteuid() == 0:
        command.insert(2, "--allow-root")
    os.execve(command[0], command, environment())
