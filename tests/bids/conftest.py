"""Datasets of empty files: names are all that an index sees."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

DESCRIPTION = json.dumps({"Name": "Test", "BIDSVersion": "1.10.0"})


@pytest.fixture
def make_dataset(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes files, given as names or as name=content."""

    def make(*names: str, folder: str = "raw", **contents: str) -> Path:
        root = tmp_path / folder
        for name, content in [("dataset_description.json", DESCRIPTION), *((n, "") for n in names)]:
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        for name, content in contents.items():
            (root / f"{name}.tsv").write_text(content)
        return root

    return make


@pytest.fixture
def write_tables(tmp_path):
    """Write participants.tsv from rows of cells, other files by name; return the folder."""

    def write_files(*rows: str, dictionary: dict | None = None, **others: str):
        if rows:
            lines = [row.replace(" ", "\t") for row in rows]
            (tmp_path / "participants.tsv").write_text("\n".join(lines) + "\n")
        if dictionary is not None:
            (tmp_path / "participants.json").write_text(json.dumps(dictionary))
        for name, content in others.items():
            path = tmp_path / name.replace("__", "/").replace("_tsv", ".tsv")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        return tmp_path

    return write_files
