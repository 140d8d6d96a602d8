"""Pieces of the preprocessing that fMRIPrep, QSIPrep, QSIRecon and the like have done already."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from motor_bids_app.bids.finished_pieces import (
    TENSOR_MAPS,
    Piece,
    nested_datasets,
    pieces_for,
    pieces_of,
    plainest,
)
from motor_bids_app.bids.mni_spaces import known_space
from motor_bids_app.opening import read_text
from motor_bids_app.settings import MNI_SPACES, STANDARD_SPACE

TISSUES = ("GM", "WM", "CSF")
_OWN_SPACES = (None, "T1w", "ACPC", "T1wACPC")  # of the participant; None: of the image itself
_CONTRASTS = ("T1w", "T2w")


@dataclass(frozen=True, kw_only=True)
class Finished:
    """Files of other tools that stand for steps, of one participant in one session.

    Parameters
    ----------
    head, contrast : Path or None, str
        Bias-corrected head in its own space, 'T1w' or 'T2w'.
    brain, tissue : Path or None, dict of Path
        Brain mask, and tissue probabilities by 'GM', 'WM' and 'CSF' (all or none), in the
        space of `head`.
    transform : Path or None
        ITK transform that brings the head to our standard space.
    dwi, bval, bvec : Path or None
        Diffusion series without noise and motion, with its gradient files.
    dwi_brain, dwi_head : Path or None
        Brain mask of the series; head that the series was aligned with.
    maps, maps_head : dict of Path, Path or None
        Tensor maps by 'fa', 'md', 'rd' and 'ad'; head that they are aligned with.
    maps_standard, maps_space : bool, str
        Whether the maps are in a standard space, and in which of `settings.MNI_SPACES`.
    datasets : dict of str
        Name of the derivative, by what was taken from it: 'head', 'brain', 'tissue',
        'transform', 'dwi' and 'maps'.
    """

    head: Path | None = None
    contrast: str = "T1w"
    brain: Path | None = None
    tissue: dict[str, Path] = field(default_factory=dict)
    transform: Path | None = None
    dwi: Path | None = None
    bval: Path | None = None
    bvec: Path | None = None
    dwi_brain: Path | None = None
    dwi_head: Path | None = None
    maps: dict[str, Path] = field(default_factory=dict)
    maps_head: Path | None = None
    maps_standard: bool = False
    maps_space: str = STANDARD_SPACE
    datasets: dict[str, str] = field(default_factory=dict)

    @property
    def anatomy(self) -> dict[str, Path]:
        """Files that the anatomical step reads, by what they are."""
        files = {"head": self.head, "brain": self.brain, "transform": self.transform, **self.tissue}
        return {f"finished {name}": path for name, path in files.items() if path}

    @property
    def diffusion(self) -> dict[str, Path]:
        """Files that the diffusion step reads, by what they are."""
        files = {
            "dwi": self.dwi,
            "bval": self.bval,
            "bvec": self.bvec,
            "mask": self.dwi_brain,
            "dwi head": self.dwi_head,
            "maps head": self.maps_head,
            **self.maps,
        }
        return {f"finished {name}": path for name, path in files.items() if path}

    def without(self, piece: str) -> "Finished":
        """Return this without 'dwi' or 'maps', which are then computed."""
        datasets = {name: dataset for name, dataset in self.datasets.items() if name != piece}
        if piece == "maps":
            return replace(self, maps={}, maps_head=None, maps_standard=False, datasets=datasets)
        return replace(
            self, dwi=None, bval=None, bvec=None, dwi_brain=None, dwi_head=None, datasets=datasets
        )


def finished_sessions(participant: str, folders: Mapping[str, Path]) -> set[str | None]:
    """Sessions of a participant that have something to use in finished derivatives."""
    files = list(pieces_of(participant, nested_datasets(folders)))
    usable = [
        file
        for file in files
        if _is_head(file) or _is_series(file) or file.quantity or file.suffix == "bold"
    ]
    return {file.labels.get("ses") for file in usable}


def find_finished(
    participant: str, session: str | None, folders: Mapping[str, Path], *, borrow: bool = False
) -> Finished:
    """Choose the pieces to take; anatomy of no session serves every session.

    All anatomical pieces are of one dataset, the one that has most of them. All tensor maps are
    of one dataset and space. Among equals the dataset that is named first is taken. With `borrow`,
    where the session has no head of its own, one of another session is taken.
    """
    files = pieces_for(session, pieces_of(participant, nested_datasets(folders)))
    own = [file for file in files if file.labels.get("ses") in (None, session)]
    return _with_maps(_with_series(_anatomy(files if borrow else own), files), files)


def _is_head(file: Piece) -> bool:
    own = (None,) if file.suffix == "T2w" else _OWN_SPACES  # fMRIPrep moves the T2w to the T1w
    preprocessed = file.labels.get("desc") == "preproc" and file.suffix in _CONTRASTS
    return preprocessed and file.space in own and "res" not in file.labels


def _is_series(file: Piece) -> bool:
    beside = all(_beside(file.path, extension).is_file() for extension in (".bval", ".bvec"))
    preprocessed = file.suffix == "dwi" and file.labels.get("desc") == "preproc"
    return preprocessed and file.space in _OWN_SPACES and beside


def _beside(path: Path, extension: str) -> Path:
    return path.parent / (path.name.split(".")[0] + extension)


def _anatomy(files: Sequence[Piece]) -> Finished:
    """Anatomical pieces of the dataset that has most of them; from a T1w if there is one."""
    for contrast in _CONTRASTS:
        options = []
        for dataset in dict.fromkeys(file.dataset for file in files):
            here = [file for file in files if file.dataset == dataset]
            head = plainest([file for file in here if _is_head(file) and file.suffix == contrast])
            if head:
                options.append(_with_head(head, here))
        if options:
            return max(options, key=lambda finished: len(finished.datasets))
    return Finished()


def _with_head(head: Piece, files: Sequence[Piece]) -> Finished:
    """The head of one dataset, and what is in its space."""
    own = [file for file in files if file.space == head.space and "res" not in file.labels]
    brain = plainest(_brain_masks(own, "anat"))
    maps = {name: plainest([file for file in own if _is_tissue(file, name)]) for name in TISSUES}
    tissue = {name: file.path for name, file in maps.items() if file}
    if len(tissue) < len(TISSUES):
        tissue = {}
    ends = {"from": head.space or head.suffix, "to": STANDARD_SPACE}
    transform = plainest(
        [f for f in files if f.suffix == "xfm" and ends.items() <= f.labels.items()]
    )
    there = {"head": True, "brain": brain, "tissue": tissue, "transform": transform}
    return Finished(
        head=head.path,
        contrast=head.suffix,
        brain=brain.path if brain else None,
        tissue=tissue,
        transform=transform.path if transform else None,
        datasets={piece: head.dataset for piece, found in there.items() if found},
    )


def _brain_masks(files: Sequence[Piece], datatype: str) -> list[Piece]:
    return [
        file
        for file in files
        if file.suffix == "mask"
        and file.labels.get("desc") == "brain"
        and file.path.parent.name == datatype
    ]


def _is_tissue(file: Piece, name: str) -> bool:
    return file.suffix == "probseg" and file.labels.get("label") == name


def _with_series(finished: Finished, files: Sequence[Piece]) -> Finished:
    """Add the preprocessed diffusion series with most volumes."""
    series = [file for file in files if _is_series(file)]
    if not series:
        return finished
    file = max(series, key=lambda f: len(read_text(_beside(f.path, ".bval")).split()))
    own = [f for f in files if f.dataset == file.dataset and f.space == file.space]
    brain = plainest(_brain_masks(own, "dwi"))
    return replace(
        finished,
        dwi=file.path,
        bval=_beside(file.path, ".bval"),
        bvec=_beside(file.path, ".bvec"),
        dwi_brain=brain.path if brain else None,
        dwi_head=_head_of(file, files),
        datasets={**finished.datasets, "dwi": file.dataset},
    )


def _with_maps(finished: Finished, files: Sequence[Piece]) -> Finished:
    """Add tensor maps of the dataset and space that has most; own spaces before standard ones."""
    groups: list[dict[str, Piece]] = []
    for space in (*_OWN_SPACES[1:], None, *MNI_SPACES):
        for dataset in dict.fromkeys(file.dataset for file in files):
            here = [f for f in files if f.dataset == dataset and _spelled(f.space) == space]
            found = {
                name: plainest([f for f in here if f.quantity == name]) for name in TENSOR_MAPS
            }
            groups.append({name: file for name, file in found.items() if file})
    chosen = max(groups, key=len, default={})
    if not chosen:
        return finished
    first = next(iter(chosen.values()))
    standard = known_space(first.space or "")
    return replace(
        finished,
        maps={name: file.path for name, file in chosen.items()},
        maps_standard=standard is not None,
        maps_space=standard or STANDARD_SPACE,
        maps_head=None if standard else _head_of(first, files),
        datasets={**finished.datasets, "maps": first.dataset},
    )


def _spelled(space: str | None) -> str | None:
    return known_space(space or "") or space


def _head_of(file: Piece, files: Sequence[Piece]) -> Path | None:
    """The head that a diffusion image is aligned with: of its own dataset before others."""
    if file.space is None:
        return None
    spaces = (file.space, None) if file.space == "T1w" else (file.space,)
    heads = [
        head for head in files if _is_head(head) and head.suffix == "T1w" and head.space in spaces
    ]
    own = [head for head in heads if head.dataset == file.dataset]
    return next((head.path for head in (*own, *heads)), None)
