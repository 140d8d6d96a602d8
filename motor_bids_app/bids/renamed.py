"""Datasets under pseudonyms: folders of links, with copies of the text that names people.

Whatever reads such a folder never meets a label. It is made for one run, and deleted after it.
"""

import logging
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from motor_bids_app.bids.listing import participants_in
from motor_bids_app.bids.paths import TRUTH
from motor_bids_app.bids.pseudonyms import Key
from motor_bids_app.bids.tables.identifiers import bare_label, is_label
from motor_bids_app.bids.tables.ratings import PERSON
from motor_bids_app.bids.tables.scores import normalise
from motor_bids_app.bids.tables.text import MARKS, read_content, read_lines
from motor_bids_app.bids.tables.tsv import MISSING
from motor_bids_app.errors import MotorBidsAppError
from motor_bids_app.opening import read_text

log = logging.getLogger(__name__)
_TEXTS = (".json", ".tsv", ".vhdr", ".vmrk")  # what may name people, and is read
_MAY_NAME = re.compile(rb"sub-|participant|subject|bids_name", re.IGNORECASE)


def labels_of(datasets: Iterable[Path], tables: Iterable[Path] = ()) -> frozenset[str]:
    """Labels, without 'sub-', of all who have a folder in some datasets or a row in a table."""
    folders = [nested for dataset in datasets for nested in _nested(dataset)]
    found = {label for folder in folders for label in participants_in(folder)}
    listed = (path for folder in folders for path in _tables_in(folder))
    for path in (*tables, *listed):
        with suppress(MotorBidsAppError):  # whoever needs the table says what is wrong with it
            rows = [line.split("\t") for line in read_lines(path)]
            found.update(_owner(row[column]) for row, column in _named(rows))
    return frozenset(found - {""})


def _nested(dataset: Path) -> Iterator[Path]:
    """A dataset, and those within it that may be read."""
    yield dataset
    inside = dataset / "derivatives"
    yield from (inside, *sorted(inside.iterdir())) if inside.is_dir() else ()


def _tables_in(dataset: Path) -> list[Path]:
    return [*dataset.glob("*.tsv"), *(dataset / "phenotype").glob("*.tsv")]


def _named(rows: Sequence[list[str]]) -> Iterator[tuple[list[str], int]]:
    """Each row below the heading with each of its columns that says whose it is."""
    heading = next((row for row in rows if any(map(str.strip, row))), [])
    columns = [number for number, name in enumerate(heading) if normalise(name) in PERSON]
    for row in rows:
        if row is not heading:
            yield from ((row, column) for column in columns if column < len(row))


def _owner(cell: str) -> str:
    """Label in a cell that says whose the row is: '01' of '"sub-01_ses-1"'; '' of a missing one."""
    text = cell.strip().strip('"').strip()
    return "" if text.lower() in MISSING else bare_label(text.split("_")[0], "sub-")


@dataclass(frozen=True)
class Renaming:
    """A key, and the labels that it is used for.

    Parameters
    ----------
    key : Key
    known : frozenset of str
        Labels without 'sub-'; other words that begin with it stay as they are.
    left_out : Path
        A folder that is no part of what is read: that of the outputs.
    """

    key: Key
    known: frozenset[str]
    left_out: Path

    def dataset(self, source: Path, target: Path) -> None:
        """Make a folder that holds what is read of a dataset, under pseudonyms.

        These are its files, its tables of phenotypes, its people, the truth about them if they
        are simulated, and derivatives in it; nothing else, such as code.
        """
        target.mkdir(parents=True)
        for entry in os.scandir(source):
            path, label = Path(entry.path), entry.name.removeprefix("sub-")
            if not path.is_dir():
                self._file(path, target)
            elif label != entry.name and not is_label(label):
                log.warning("a folder of a participant has no label for a name: it is left out")
            elif label != entry.name or entry.name == "phenotype":
                self._folder(path, target / self.text(entry.name))
        truth, inside = source / TRUTH, source / "derivatives"
        if truth.is_dir():
            self.dataset(truth, target / TRUTH)
        if inside.is_dir():
            self.dataset(inside, target / inside.name)
            for each in inside.iterdir():
                own = each.resolve() == self.left_out.resolve() or each.name.startswith("sub-")
                if each.is_dir() and not own:
                    self.dataset(each, target / inside.name / each.name)

    def table(self, source: Path, folder: Path) -> Path:
        """Make a table of people in a folder, with its dictionary; return its path there."""
        folder.mkdir(parents=True, exist_ok=True)
        for path in (source, source.with_suffix(".json")):
            if path.exists():
                self._file(path, folder)
        return folder / self.text(source.name)

    def text(self, text: str) -> str:
        """Text with pseudonyms in place of 'sub-' and a label."""
        return self.key.replace(text, self.known)

    def _folder(self, source: Path, target: Path, levels: int = 2) -> None:
        """A folder of a participant, with sessions and kinds; what lies deeper is not read."""
        target.mkdir()
        for entry in os.scandir(source):
            path = Path(entry.path)
            if not path.is_dir():
                self._file(path, target)
            elif levels:
                self._folder(path, target / self.text(entry.name), levels - 1)

    def _file(self, source: Path, folder: Path) -> None:
        """A link to a file; of text that names people a copy in which it does not."""
        target = folder / self.text(source.name)
        renamed = None
        if source.suffix in _TEXTS or source.name == ".bidsignore":
            with suppress(MotorBidsAppError):  # of what nobody can read, nobody reads a label
                renamed = self._renamed(source)
        if renamed is None:
            target.symlink_to(source.absolute())
            return
        target.write_text(renamed, encoding="utf-8")
        state = source.stat()
        os.utime(target, ns=(state.st_atime_ns, state.st_mtime_ns))  # it counts as unchanged

    def _renamed(self, path: Path) -> str | None:
        """Content of a text under pseudonyms; None if it names nobody."""
        content = read_content(path)
        if not _MAY_NAME.search(content) and not content.startswith(tuple(MARKS)):
            return None
        if path.suffix != ".tsv":
            text = read_text(path)
            return self.text(text)
        rows = [line.split("\t") for line in read_lines(path)]
        for row, column in _named(rows):
            if owner := _owner(row[column]):
                rest = row[column].strip().strip('"').partition("_")
                row[column] = f"sub-{self.key.pseudonym(owner)}{rest[1]}{rest[2]}"
        return "\n".join(self.text("\t".join(row)) for row in rows)
