"""Delete what never runs from the environment of the Python that runs this: for the image.

usage: python tools/slim.py

Test suites, headers, static libraries, sources of compiled modules, and programs of PyTorch's own
tests go, and, where there is `strip`, symbols of its libraries that only a linker needs. Bytecode
goes too, and then that of the modules that the app loads is made again, so that the image, whose
root may be read-only, starts as fast as before.
"""

import compileall
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from py_compile import PycInvalidationMode

TEST_FOLDERS = ("tests", "test")  # of packages; `testing` is loaded by some of them
UNUSED = ("torch/include", "torch/share", "matplotlib/mpl-data/sample_data")
UNUSED_SUFFIXES = {".a", ".c", ".cpp", ".cuh", ".h", ".hpp", ".lib", ".pxd", ".pyx"}
# Loads all modules of the app, and starts what loads more when it is first used.
LOAD = """
import importlib, pkgutil, warnings
warnings.simplefilter("ignore")
import motor_bids_app
for module in pkgutil.walk_packages(motor_bids_app.__path__, "motor_bids_app."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
import bids.layout, captum.attr, dask.distributed, matplotlib.pyplot, mne_bids, sys, torch
from motor_bids_app.models.networks.backbones import BACKBONES, SliceNetwork
torch.optim.Adam([torch.nn.Parameter(torch.zeros(1))])
for backbone in BACKBONES:
    SliceNetwork(backbone, 1)
files = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
print("\\n".join(sorted(file for file in files if file)))
"""


def size_of(folder: Path) -> int:
    """Bytes of the files in a folder, each counted once."""
    return sum(path.lstat().st_size for path in folder.rglob("*") if not path.is_dir())


def delete(packages: Path) -> None:
    """Delete test suites, headers and bytecode below site-packages."""
    for place, folders, files in os.walk(packages):
        for name in list(folders):
            path = Path(place, name)
            inner = path.relative_to(packages).as_posix()
            if name in (*TEST_FOLDERS, "__pycache__") or inner in UNUSED:
                shutil.rmtree(path)
                folders.remove(name)
        for name in files:
            if Path(name).suffix in UNUSED_SUFFIXES:
                Path(place, name).unlink()
    for program in (*packages.glob("torch/lib/*test*"), *packages.glob("torch/bin/*")):
        if program.is_dir():
            shutil.rmtree(program)
        elif program.name != "torch_shm_manager":  # without which torch does not load
            program.unlink()


def strip(libraries: Path) -> None:
    """Delete what only linkers and debuggers read from shared libraries: a fifth of PyTorch's."""
    for path in sorted(libraries.glob("*.so")):
        subprocess.run(["strip", "--strip-unneeded", path], check=True)


def compile_used(packages: Path) -> int:
    """Make bytecode of the modules that the app loads; return how many there are."""
    command = [sys.executable, "-B", "-c", LOAD]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"Something that the app loads was deleted: {done.stderr[-2000:]}")
    used = [Path(line) for line in done.stdout.splitlines() if line.endswith(".py")]
    for path in used:
        if path.is_relative_to(packages):
            # By content, not by time: times of files change where layers of an image are made.
            mode = PycInvalidationMode.UNCHECKED_HASH
            compileall.compile_file(path, quiet=2, invalidation_mode=mode)
    return len(used)


def main() -> None:
    """Delete, make bytecode, and say what became of it."""
    packages = Path(sysconfig.get_paths()["purelib"])
    before = size_of(packages)
    delete(packages)
    if shutil.which("strip"):
        strip(packages / "torch/lib")
    n_modules = compile_used(packages)
    after = size_of(packages)
    print(
        f"{packages}: {before / 1e6:.0f} MB, now {after / 1e6:.0f} MB; {n_modules} modules loaded"
    )


if __name__ == "__main__":
    main()
