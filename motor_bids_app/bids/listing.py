"""Images and recordings of a dataset with their BIDS entities; each folder is listed once."""

import json
import os
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from motor_bids_app.bids.files import read_json
from motor_bids_app.errors import MotorBidsAppError, ReadWriteError

_EXTENSIONS = (".nii", ".nii.gz", ".edf", ".bdf", ".vhdr", ".set", ".fif")
_DESCRIBING = (".json", ".bval", ".bvec", ".tsv")
_Described = Mapping[tuple[str, str], Sequence[tuple[frozenset[str], Path]]]
_Content = dict[str, Any]
_listed: ContextVar[dict[tuple[str, str], list[_Described]] | None] = ContextVar(
    "listed", default=None
)
_read: ContextVar[Callable[[Path], _Content]] = ContextVar("read", default=read_json)
_KEPT = 1024  # sidecars; those of one session are read several times, one after the other


@dataclass(frozen=True, kw_only=True)
class Found:
    """One image file and its BIDS entities, by pybids name."""

    path: Path
    entities: Mapping[str, Any]

    def get(self, entity: str) -> Any:
        """Return the label of an entity, or None."""
        return self.entities.get(entity)


class _Run(int):
    """Number of a run, which is written as its file name has it: 1 is '01'."""

    written: str

    def __new__(cls, written: str) -> "_Run":
        number = super().__new__(cls, written)
        number.written = str(written)
        return number

    def __str__(self) -> str:
        return self.written

    def __format__(self, form: str) -> str:
        return format(self.written, form) if form in ("", "s") else super().__format__(form)

    __repr__ = __str__


@contextmanager
def listed_once() -> Iterator[None]:
    """Keep what `describing_above` and `read_once` find, until the end; nothing is written."""
    listed, read = _listed.set({}), _read.set(lru_cache(_KEPT)(read_json))
    try:
        yield
    finally:
        _listed.reset(listed)
        _read.reset(read)


def read_once(path: Path) -> Mapping[str, Any]:
    """Content of a JSON file, as `read_json` gives it."""
    return _read.get()(path)


def describing_above(path: str, root: str) -> Sequence[_Described]:
    """Files that may describe others, in each folder from a dataset down to that of a file.

    Of a folder they are by suffix and extension ('dwi', '.json'): entities and path of each, the
    most general first. Nothing is found where the file is not in the dataset.
    """
    known = _listed.get()
    folder = path.rpartition("/")[0]  # faster than pathlib, of which this is asked often
    return _describing_from(folder, root, {} if known is None else known)


def _describing_from(
    folder: str, root: str, known: dict[tuple[str, str], list[_Described]]
) -> list[_Described]:
    if (folder, root) not in known:
        above = folder.rpartition("/")[0]
        if folder == root:
            known[folder, root] = [_describing(folder)]
        elif not above:
            known[folder, root] = []
        else:
            found = _describing_from(above, root, known)
            known[folder, root] = [*found, _describing(folder)] if found else []
    return known[folder, root]


def _describing(folder: str) -> _Described:
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in entries if entry.name.endswith(_DESCRIBING)]
    except OSError:
        return {}
    kinds: dict[tuple[str, str], list[tuple[frozenset[str], Path]]] = defaultdict(list)
    split = [(*split_name(name), name) for name in names]
    for suffix, entities, name in sorted(split, key=lambda one: (len(one[1]), one[2])):
        extension = f".{name.rpartition('.')[2]}"
        if name.endswith(f"{suffix}{extension}"):
            kinds[suffix, extension].append((entities, Path(folder, name)))
    return kinds


@lru_cache(maxsize=4096)
def split_name(name: str) -> tuple[str, frozenset[str]]:
    """Suffix and entities of a name: ('dwi', {'sub-1', 'dir-AP'})."""
    *entities, suffix = name.split(".")[0].split("_")
    return suffix, frozenset(entities)


def participants_in(folder: Path) -> list[str]:
    """Labels of the participants that have a folder in a dataset, in order."""
    try:
        with os.scandir(folder) as entries:
            named = [e.name for e in entries if e.name.startswith("sub-") and _is_folder(e)]
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return []
    return sorted(name.removeprefix("sub-") for name in named)


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself
        return False


def find_images(folder: Path, participants: Sequence[str]) -> list[Found]:
    """List images and recordings of some participants, in order of path, reading no metadata.

    They are where BIDS has them: sub-LABEL/[ses-LABEL/]KIND/. Copies in other folders (a backup, a
    tool's own) are no data of the participant, whatever their names, and are not walked through.
    Entities are those that pybids knows, of raw datasets and derivatives.

    Raises
    ------
    ReadWriteError
        A folder, or the description of the dataset, cannot be read.
    """
    wanted = {*participants}
    own = [f"sub-{label}" for label in participants_in(folder) if label in wanted]
    if not own:
        return []
    folder = folder.absolute()
    try:
        if (description := folder / "dataset_description.json").exists():
            read_json(description)
        paths = [path for name in own for path in _walk(str(folder / name))]
    except (OSError, MotorBidsAppError) as error:
        raise ReadWriteError(
            f"{folder} cannot be indexed: {error}. Check its dataset_description.json, and that "
            "all folders can be read."
        ) from error
    start = len(str(folder).rstrip("/"))
    paths.sort(key=lambda path: path.split("/"))
    files = (Found(path=Path(path), entities=_entities(path[start:])) for path in paths)
    # Of a folder whose name is no label, such as 'sub-a b', the first word is taken for one.
    return [
        file
        for file in files
        if file.get("subject") in wanted and file.get("extension") in _EXTENSIONS
    ]


def _walk(folder: str, levels: int = 2) -> Iterator[str]:
    """Paths of images in a folder and below, links followed, hidden names left out.

    Of a participant (2 levels): in folders of sessions, and of kinds there or at once.
    """
    with os.scandir(folder) as entries:
        listed = [entry for entry in entries if not entry.name.startswith(".")]
    for entry in listed:
        if not _is_folder(entry):
            if entry.name.endswith(_EXTENSIONS):
                yield entry.path
        elif levels:
            yield from _walk(entry.path, int(levels == 2 and entry.name.startswith("ses-")))


def _entities(path: str) -> dict[str, Any]:
    """Entities of a file, from its path in the dataset, which begins with '/'."""
    found: dict[str, Any] = {}
    for name, key, pattern in _patterns():
        if key in path and (match := pattern.search(path)):
            found[name] = _Run(match[1]) if name == "run" else match[1]
    return found


@cache
def _patterns() -> list[tuple[str, str, re.Pattern[str]]]:
    """Entities and their patterns as pybids has them; its import would take half a second.

    Between them is what a text must hold to fit the pattern, such as 'ses-': most do not.
    """
    spec = find_spec("bids")
    (package,) = (spec.submodule_search_locations if spec else None) or ("",)
    patterns: dict[str, str] = {}
    for kind in ("bids", "derivatives"):
        text = Path(package, "layout", "config", f"{kind}.json").read_text(encoding="utf-8")
        patterns |= {each["name"]: each["pattern"] for each in json.loads(text)["entities"]}
    plain = {name: re.sub(r"\[[^\]]*\]", "", pattern) for name, pattern in patterns.items()}
    keys = {name: re.search("[a-z]+-", text) for name, text in plain.items()}
    return [
        (name, key[0] if (key := keys[name]) else "", re.compile(pattern))
        for name, pattern in patterns.items()
    ]
