"""Names of derivative files."""

import re
from dataclasses import dataclass

from motor_bids_app.errors import InvalidNameError

TRUTH = "sourcedata/truth"  # folder of what is known of simulated data
ENTITIES = (
    "sub", "ses", "task", "acq", "dir", "run", "space", "res", "label", "model", "seed", "stat",
    "param", "desc",
)  # fmt: skip


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
            if not re.fullmatch("[0-9a-zA-Z+]+", label):
                raise InvalidNameError(
                    f"{key}={label!r} cannot be part of a BIDS name: use only letters, digits, '+'."
                )

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
