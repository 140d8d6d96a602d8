import importlib.util
import sys
from pathlib import Path

import pytest

PLACE = Path(__file__).parents[1] / "benchmarks" / "fuzz.py"


@pytest.fixture(scope="module")
def fuzz():
    """The fuzzer, which is no part of the package."""
    spec = importlib.util.spec_from_file_location("fuzz", PLACE)
    module = importlib.util.module_from_spec(spec)
    sys.modules["fuzz"] = module
    spec.loader.exec_module(module)
    return module


def test_broken_files_raise_nothing_but_errors_of_the_app(fuzz):
    assert fuzz.run(1800, seed=1) == []


def test_files_that_are_whole_are_taken(fuzz, tmp_path, monkeypatch):
    monkeypatch.setattr(fuzz, "changed_bytes", lambda _, content: content)
    monkeypatch.setattr(fuzz, "changed_tree", lambda _, content: content)
    chance = fuzz.random.Random(0)
    for reader in fuzz.READERS:
        if reader is not fuzz.read_header:  # it breaks its image itself
            for _ in range(5):
                (tmp_path / reader.__name__).mkdir(exist_ok=True)
                reader(tmp_path / reader.__name__, chance)


def test_a_failure_is_told_with_its_number(fuzz, monkeypatch):
    def read_badly(*_):
        raise KeyError("x")

    monkeypatch.setattr(fuzz, "READERS", (read_badly,))

    (failure,) = fuzz.run(1, seed=0)

    assert failure.startswith("read_badly 0: KeyError('x')")
