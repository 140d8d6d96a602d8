"""Keys: the same pseudonyms always, and nobody else may read who is behind them."""

import json
import stat
from concurrent.futures import ThreadPoolExecutor

import pytest

from motor_bids_app.bids.paths import check_label
from motor_bids_app.bids.pseudonyms import Key, keep_key, make_key, read_key
from motor_bids_app.errors import OutputError, ReadWriteError, UsageError


@pytest.fixture
def path(tmp_path):
    return tmp_path / "private" / "key.json"


def test_a_file_gives_the_same_pseudonyms_always_and_tells_who_is_behind_them(path):
    first = keep_key(path, ["01", "02"])
    second = keep_key(path, ["02", "03"])

    assert first == second
    people = json.loads(path.read_text())["people"]
    assert people == {f"sub-{first.pseudonym(name)}": f"sub-{name}" for name in ("01", "02", "03")}


def test_the_file_is_for_its_owner_alone(path):
    keep_key(path, ["01"])
    assert stat.S_IMODE(path.stat().st_mode) == 0o600

    path.chmod(0o640)
    with pytest.raises(UsageError, match="chmod 600"):
        keep_key(path, ["01"])


def test_jobs_that_begin_together_get_one_key(path):
    with ThreadPoolExecutor(8) as jobs:
        keys = list(jobs.map(lambda number: keep_key(path, [str(number)]), range(8)))

    assert set(keys) == {read_key(path)}
    assert set(json.loads(path.read_text())["people"].values()) == {f"sub-{n}" for n in range(8)}


@pytest.mark.parametrize("content", ["", "{}", '{"secret": "no"}', '{"secret": 1}', "[]"])
def test_what_is_no_key_is_left_as_it_is(path, content):
    path.parent.mkdir()
    path.write_text(content)
    path.chmod(0o600)

    with pytest.raises(ReadWriteError):
        keep_key(path, ["01"])
    assert path.read_text() == content


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match=r"key\.json cannot be written"):
        keep_key(tmp_path / "file" / "key.json", [])


def test_pseudonyms_are_labels_and_show_neither_the_label_nor_the_order():
    key = make_key()
    labels = [f"{number:03d}" for number in range(200)]
    names = [key.pseudonym(label) for label in labels]

    for name in names:
        check_label("sub", name)
    assert len({*names}) == len(labels)
    assert sorted(names) != names
    assert make_key().pseudonym("001") != key.pseudonym("001")
    assert key.secret.hex() not in repr(key)


def test_only_known_labels_are_replaced_and_only_as_a_whole():
    key = Key(b"secret")
    text = "sub-1/sub-1_T1w.nii.gz bids::sub-1, sub-10 sub-cortical presub-1 SUB-1"

    found = key.replace(text, frozenset(["1"]))

    name = f"sub-{key.pseudonym('1')}"
    assert found == f"{name}/{name}_T1w.nii.gz bids::{name}, sub-10 sub-cortical presub-1 {name}"
