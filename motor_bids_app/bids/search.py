"""Images and recordings of a dataset with their BIDS entities, and the files that describe them."""

import math
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from motor_bids_app.bids.listing import Found, describing_above, read_once, split_name
from motor_bids_app.errors import DataError, UsageError

_FILTER_KEYS = {
    "T1w": "t1w",
    "T2w": "t2w",
    "FLAIR": "flair",
    "dwi": "dwi",
    "bold": "bold",
    "lesion": "roi",
    "eeg": "eeg",
    "emg": "emg",
}
_FILTERS_OF_OTHER_APPS = ("sbref", "fmap", "asl")
_DIRECTIONS = ("PhaseEncodingDirection", "PhaseEncodingAxis", "SliceEncodingDirection")
_DIRECTION = re.compile("(?P<before>[+-]?)(?P<axis>[ijkxyz])(?P<after>[+-]?)", re.IGNORECASE)
_VOXEL_AXES = dict(zip("xyz", "ijk", strict=True))


def check_filter(bids_filter: Mapping[str, object]) -> None:
    """Raise UsageError unless a BIDS filter has the form of fMRIPrep's."""
    known = (*_FILTER_KEYS.values(), *_FILTERS_OF_OTHER_APPS)
    for key, entities in bids_filter.items():
        if key not in known or not isinstance(entities, Mapping):
            raise UsageError(
                f"The BIDS filter has {key!r}. It may have {', '.join(_FILTER_KEYS.values())}, "
                'each with an object of entities: {"t1w": {"acquisition": "mprage"}}.'
            )


def is_unwanted(file: Found, ignored: Collection[str]) -> bool:
    """Whether an image is of those to leave out: 'fieldmaps', 'sbref', 't2w' and 'flair'."""
    if "fieldmaps" in ignored and file.path.parent.name == "fmap":
        return True
    return str(file.get("suffix")).lower() in {*ignored} - {"fieldmaps"}


def matches(file: Found, image: str, bids_filter: Mapping[str, Mapping[str, object]]) -> bool:
    """Whether the filter of an image ('T1w', ..., 'lesion') lets a file pass.

    A value is one label or a list of them; null: the entity must be absent; '*': any.
    """
    for entity, wanted in bids_filter.get(_FILTER_KEYS[image], {}).items():
        label = file.get(entity)
        if wanted is None:
            passes = label is None
        elif wanted == "*":
            passes = label is not None
        else:
            options = wanted if isinstance(wanted, list) else [wanted]
            passes = any(_same_label(label, option) for option in options)
        if not passes:
            return False
    return True


def _same_label(label: object, option: object) -> bool:
    """Compare labels; numbers as numbers, since pybids pads the run: 1 is '01'."""
    first, second = str(label), str(option)
    return first == second or (first.isdigit() and second.isdigit() and int(first) == int(second))


def choose(files: Sequence[Found], what: str) -> tuple[Found | None, tuple[str, ...]]:
    """Take one of several files, the plainest name of the first run, and say so."""
    if not files:
        return None, ()
    ranked = sorted(files, key=_plainness)
    if len(ranked) == 1:
        return ranked[0], ()
    note = f"{len(ranked)} {what} images: used {ranked[0].path.name}"
    return ranked[0], (note,)


def repeats(chosen: Found, files: Sequence[Found]) -> list[Found]:
    """Other runs of an image: files whose name differs in nothing but the run."""

    def rest(file: Found) -> dict[str, Any]:
        return {key: label for key, label in file.entities.items() if key not in ("run", "fmap")}

    others = [file for file in files if file is not chosen and rest(file) == rest(chosen)]
    return sorted(others, key=_plainness)


def _plainness(file: Found) -> tuple[bool, int, int, str]:
    """Order: without contrast agent first, then few entities, then the first run."""
    extra = [key for key in file.entities if key not in ("run", "fmap", "extension")]
    return bool(file.get("ceagent")), len(extra), int(file.get("run") or 0), file.path.name


def inherited(path: Path, extension: str, root: Path, suffix: str | None = None) -> list[Path]:
    """Files that describe an image by the inheritance principle, the most general first.

    They lie in the image's folder or above it, have its suffix, and no entity that it lacks.

    Parameters
    ----------
    path, root : Path
        The image, and the dataset that it is in.
    extension : str
        '.json', '.bval', '.bvec' or '.tsv'.
    suffix : str, optional
        Of the files to find, such as 'channels', where it is not that of the image.
    """
    own, labels = split_name(path.name)
    key = (suffix or own, extension)
    return [
        found
        for described in describing_above(str(path), str(root))
        for entities, found in described.get(key, ())
        if entities <= labels
    ]


def number_in(sidecar: Mapping[str, Any], key: str) -> float | None:
    """A number of a sidecar; None where it says nothing.

    Raises
    ------
    DataError
        It says something else than a number.
    """
    value = sidecar.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise DataError(f"The JSON sidecar has {key} = {value!r:.80}, which is not a number.")
    return float(value)


def read_sidecars(paths: Iterable[Path]) -> dict[str, Any]:
    """Merge JSON files that apply to one image; the later, more specific ones win.

    Directions come as BIDS has them, 'j-', also where a file says '-j' or 'y-'.

    Raises
    ------
    ReadWriteError
        One is no JSON object.
    DataError
        A direction is no voxel axis.
    """
    merged: dict[str, Any] = {}
    for path in paths:
        told = read_once(path)
        merged |= told
        merged |= {key: _direction(told[key], key, path) for key in _DIRECTIONS if told.get(key)}
    return merged


def _direction(value: object, key: str, path: Path) -> str:
    """A direction along a voxel axis, which 'AP' is not: it depends on how voxels are stored."""
    found = _DIRECTION.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None or (found["before"] and found["after"]):
        raise DataError(
            f"{path} has {key} = {value!r:.80}, which is no axis of the voxels. Write i, j or k, "
            "with - behind it where the direction is reversed."
        )
    axis = found["axis"].lower()
    reverse = "-" if "-" in (found["before"], found["after"]) else ""
    return _VOXEL_AXES.get(axis, axis) + reverse
