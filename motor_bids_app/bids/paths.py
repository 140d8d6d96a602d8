"""Names of derivative files."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from motor_bids_app.errors import InvalidNameError

TRUTH = "sourcedata/truth"  # folder of what is known of simulated data
ENTITIES = (
    "sub", "ses", "task", "acq", "dir", "run", "space", "res", "label", "model", "seed", "stat",
    "param", "desc",
)  # fmt: skip


def check_label(key: str, label: str) -> None:
    """Raise InvalidNameError unless a label can be part of a BIDS name."""
    if not re.fullmatch("[0-9a-zA-Z+]+", label):
        raise InvalidNameError(
            f"{key}={label!r} cannot be part of a BIDS name: use only letters, digits, '+'."
        )


def check_name(name: str) -> str:
    """Return a name that a file gave, if it can become that of one file or folder, as it stands.

    Raises
    ------
    InvalidNameError
        It is a path, begins with a dot, or has other characters than letters, digits, and _.-+
    """
    if not isinstance(name, str) or not re.fullmatch("[0-9a-zA-Z_+][0-9a-zA-Z_.+-]{0,199}", name):
        raise InvalidNameError(
            f"{str(name)[:80]!r} cannot be the name of a file or folder here. Whoever made the "
            "file that names it meant another place: do not trust it."
        )
    return name


def place_in(root: Path, name: str) -> Path:
    """Full path of a file that a record names relative to the folder `root`.

    This is the only way from a name that stands in a file to a path.

    Raises
    ------
    InvalidNameError
        The name, or a link on the way, leads out of `root`.
    """
    parts = name.split("/") if isinstance(name, str) else [""]
    for part in parts:
        check_name(part)
    path = root.joinpath(*parts)
    _check_inside(root, path.parent)
    return path


def own_folder(root: Path, *names: str) -> Path:
    """A folder of the output, after a look for links in it through which writing would leave it.

    Raises
    ------
    InvalidNameError
        A name is none, or a folder on the way or within is a link that leads out of `root`.
    """
    folder = root.joinpath(*map(check_name, names))
    _check_inside(root, folder)
    for place, folders, _ in os.walk(folder):
        for name in folders:
            if (path := Path(place, name)).is_symlink():
                _check_inside(root, path)
    return folder


def _check_inside(root: Path, folder: Path) -> None:
    inside, outside = folder.resolve(), root.resolve()
    if inside != outside and outside not in inside.parents:
        raise InvalidNameError(
            f"{folder} leads to {inside}, which is outside {root}: nothing is written there. "
            "Replace the link with a folder."
        )


@dataclass(frozen=True, kw_only=True)
class DerivativePath:
    """Place of one derivative file, relative to the output dataset.

    >>> str(DerivativePath(sub="01", datatype="anat", label="L", suffix="mask"))
    'sub-01/anat/sub-01_label-L_mask.nii.gz'
    """

    sub: str  # entities: labels without their key, in BIDS file name order
    ses: str | None = None
    task: str | None = None
    acq: str | None = None
    dir: str | None = None
    run: str | None = None
    space: str | None = None
    res: str | None = None
    label: str | None = None
    model: str | None = None
    seed: str | None = None
    stat: str | None = None
    param: str | None = None
    desc: str | None = None
    datatype: str | None = None  # None: directly in the participant's (session's) folder
    suffix: str
    extension: str = ".nii.gz"
    transform: tuple[str, str] | None = None  # (from, to): written as from-A_to-B_mode-image

    def __post_init__(self) -> None:
        labels = [*self.entities.items(), *(("from/to", name) for name in self.transform or ())]
        for key, label in labels:
            check_label(key, label)

    @property
    def entities(self) -> dict[str, str]:
        """Labels that are set, by key."""
        return {key: getattr(self, key) for key in ENTITIES if getattr(self, key) is not None}

    @property
    def folder(self) -> str:
        """Folder of the file, relative to the dataset."""
        folders = [f"{key}-{self.entities[key]}" for key in ("sub", "ses") if key in self.entities]
        return "/".join([*folders, *([self.datatype] if self.datatype else [])])

    def __str__(self) -> str:
        pairs = [f"{key}-{label}" for key, label in self.entities.items()]
        if self.transform:
            pairs += [f"from-{self.transform[0]}", f"to-{self.transform[1]}", "mode-image"]
        return f"{self.folder}/" + "_".join([*pairs, self.suffix]) + self.extension
