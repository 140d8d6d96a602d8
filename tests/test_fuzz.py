import importlib.util
import sys
from pathlib import Path

import pytest

from motor_bids_app.errors import MotorBidsAppError

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


def refusals(fuzz, reader, folder):
    """How many of 40 cases a reader refuses."""
    folder.mkdir()
    count = 0
    for seed in range(40):
        try:
            reader(folder, fuzz.random.Random(seed))
        except MotorBidsAppError:
            count += 1
    return count


def test_readers_refuse_broken_files_and_no_whole_ones(fuzz, tmp_path, monkeypatch):
    readers = [reader for reader in fuzz.READERS if reader is not fuzz.read_status_table]
    broken = {reader: refusals(fuzz, reader, tmp_path / reader.__name__) for reader in readers}
    monkeypatch.setattr(fuzz, "changed_bytes", lambda _, content: content)
    monkeypatch.setattr(fuzz, "changed_tree", lambda _, content: content)
    readers.remove(fuzz.read_header)  # it breaks its image itself
    whole = {
        reader: refusals(fuzz, reader, tmp_path / f"w_{reader.__name__}") for reader in readers
    }

    assert min(broken.values()) > 0
    assert set(whole.values()) == {0}


def test_a_failure_is_told_with_its_number(fuzz, monkeypatch):
    def read_badly(*_):
        raise KeyError("x")

    monkeypatch.setattr(fuzz, "READERS", (read_badly,))

    (failure,) = fuzz.run(1, seed=0)

    assert failure.startswith("read_badly 0: KeyError('x')")
