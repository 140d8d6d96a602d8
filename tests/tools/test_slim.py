import ctypes
import importlib.util
import shutil
import subprocess
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[2] / "tools" / "slim.py"


@pytest.fixture
def slim():
    spec = importlib.util.spec_from_file_location("slim", TOOL)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.skipif(not (shutil.which("gcc") and shutil.which("strip")), reason="no compiler")
def test_a_stripped_library_is_smaller_and_still_works(slim, tmp_path):
    code = "".join(f"static int f{k}(int x) {{ return x + {k}; }}\n" for k in range(99))
    code += "int sum(int x) { return " + " + ".join(f"f{k}(x)" for k in range(99)) + "; }\n"
    (tmp_path / "sum.c").write_text(code)
    library = tmp_path / "sum.so"
    command = ["gcc", "-O0", "-shared", "-fPIC", "-o", library, tmp_path / "sum.c"]
    subprocess.run(command, check=True)
    before = library.stat().st_size

    slim.strip(tmp_path)

    assert library.stat().st_size < before
    assert ctypes.CDLL(str(library)).sum(1) == 99 + sum(range(99))


def test_what_never_runs_goes_and_the_rest_stays(slim, tmp_path):
    kept = {
        "torch/testing/a.py",
        "torch/bin/torch_shm_manager",
        "torch/lib/libtorch_cpu.so",
        "mne/__init__.pyi",
        "latest/contest.py",
    }
    gone = {
        "pandas/tests/a.py",
        "torch/include/a.h",
        "torch/bin/protoc",
        "torch/lib/libtorchbind_test.so",
        "numpy/__pycache__/a.pyc",
        "scipy/a.pyx",
        "deep/er/test/data/a.nii",
    }
    for name in kept | gone:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()

    slim.delete(tmp_path)

    left = {p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*") if p.is_file()}
    assert left == kept


def test_an_environment_that_the_app_cannot_be_loaded_in_is_refused(slim, tmp_path, monkeypatch):
    monkeypatch.setattr(slim, "LOAD", "import nothing_of_this_name")

    with pytest.raises(SystemExit, match="nothing_of_this_name"):
        slim.compile_used(tmp_path)


def test_bytecode_is_made_of_what_is_loaded_alone(slim, tmp_path, monkeypatch):
    for name in ("used.py", "unused.py"):
        (tmp_path / name).write_text("a = 1\n")
    monkeypatch.setattr(slim, "LOAD", f"print({str(tmp_path / 'used.py')!r})")

    slim.compile_used(tmp_path)

    assert [path.name.split(".")[0] for path in (tmp_path / "__pycache__").iterdir()] == ["used"]
