"""What finished derivatives hold that is seen and not used, and why."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from motor_bids_app.bids.finished_pieces import Piece, nested_datasets, pieces_of
from motor_bids_app.bids.mni_spaces import known_space
from motor_bids_app.bids.scan import Scan

IMAGING = (".nii", ".nii.gz", ".gii", ".h5", "_xfm.txt", "_xfm.mat", ".mgz")
_OWN = (None, "T1w", "T2w", "ACPC", "T1wACPC")
_SURFACES = ("fsLR", "fsaverage", "fsnative")
_MOST_NAMES = 2
_LABELS = "labels of regions or tissues: probabilities, and the regions of the app, are used"
_REASONS = {  # of kinds of which nothing is ever taken, by suffix
    "boldref": "references of a series, and no series",
    "sbref": "references of a series, and no series",
    "dwiref": "references of a series, and no series",
    "dseg": _LABELS,
    "atlas": _LABELS,
    "fieldmap": "field maps: what they show is undone in the series of the tool already",
    "cnr": "measures of quality of the tool",
    "xfm": "transforms: the app registers heads itself, around the lesion",
}
_BESIDE = {  # of kinds that are taken in the space of the head or series
    "mask": "masks of other images than those that are used",
    "probseg": "tissue maps in another space than that of the head, or not all three",
    "T1w": "heads in a standard space, or beside the one that is used",
    "T2w": "heads in a standard space, or beside the one that is used",
    "FLAIR": "no kind of image that is taken finished",
}


def with_unused(scan: Scan, folders: Mapping[str, Path]) -> Scan:
    """Say in the notes what of finished derivatives is not used, one note per dataset."""
    kinds: dict[str, dict[str, list[str]]] = {}
    for piece, reason in unused(scan, folders):
        name = piece.path.name.removeprefix(f"{scan.prefix}_")
        kinds.setdefault(piece.dataset, {}).setdefault(reason, []).append(name)
    notes = [
        f"seen in {dataset} and not used: "
        + "; ".join(f"{_listed(names)} ({reason})" for reason, names in sorted(reasons.items()))
        for dataset, reasons in kinds.items()
    ]
    return replace(scan, notes=(*scan.notes, *notes))


def unused(scan: Scan, folders: Mapping[str, Path]) -> Iterator[tuple[Piece, str]]:
    """Each imaging file of a participant in a session that is not used, and the reason.

    Files without session belong to every session.
    """
    taken = set(scan.paths)
    pieces = [
        piece
        for piece in pieces_of(scan.participant, nested_datasets(folders), IMAGING)
        if piece.labels.get("ses") in (None, scan.session)
    ]
    for piece in pieces:
        if piece.path not in taken:
            yield piece, _reason(piece, scan, pieces)


def _reason(piece: Piece, scan: Scan, pieces: Sequence[Piece]) -> str:
    name, space = piece.path.name, piece.space or ""
    if name.endswith((".gii", ".mgz")) or ".dtseries" in name or space.startswith(_SURFACES):
        return "on surfaces: volumes are used"
    if piece.suffix == "bold":
        return _of_bold(piece, scan, pieces)
    if piece.suffix == "dwi":
        return _of_series(piece, scan)
    if piece.quantity or piece.suffix.endswith(("dwimap", "scalar")):
        return _of_map(piece, scan)
    default = "no kind of image that is used"
    return _REASONS.get(piece.suffix) or _BESIDE.get(piece.suffix, default)


def _of_bold(piece: Piece, scan: Scan, pieces: Sequence[Piece]) -> str:
    if piece.labels.get("desc") != "preproc":
        return "bold that the tool smoothed or denoised: the app cleans preprocessed bold itself"
    if "echo" in piece.labels:
        return "bold of one echo of several"
    if piece.space is None:
        return "bold in the space of the scanner: that in the space of a head is used"
    space = "T1w" if piece.space == "T1w" else piece.space
    heads = [None, "T1w"] if space == "T1w" else [space]
    there = any(p.suffix == "T1w" and p.space in heads for p in pieces)
    if not there and space != "T1w" and known_space(space) is None:
        return (
            f"bold in {space}, of which there is no T1w, and from which there is no transform to "
            "ours"
        )
    if scan.anatomy is None:
        return "bold: there is no head image"
    if scan.bold is not None and scan.bold.confounds is not None:
        return f"bold of other runs, tasks or spaces than {scan.bold.path.name}, which is used"
    return "bold without its table of confounds, without its head, or of another task than asked"


def _of_series(piece: Piece, scan: Scan) -> str:
    if piece.labels.get("desc") != "preproc":
        return "diffusion that is not the preprocessed series"
    if piece.space not in _OWN:
        return f"diffusion in {piece.space}: the series in the space of the head is fitted"
    if scan.finished.maps:
        return "diffusion of which the tensor maps are taken"
    if scan.finished.dwi is not None:
        return f"diffusion with no more volumes than {scan.finished.dwi.name}, which is used"
    return "diffusion without bval and bvec beside it, or without a head"


def _of_map(piece: Piece, scan: Scan) -> str:
    if piece.quantity is None:
        return "maps of other models or measures than the tensor's FA, MD, RD and AD"
    if scan.finished.maps:
        return "tensor maps of another dataset or space than those that are used"
    return "tensor maps that are not a whole set, or in a space that is not used"


def _listed(names: Sequence[str]) -> str:
    """The first names, and how many more there are."""
    more = len(names) - _MOST_NAMES
    shown = ", ".join(names[:_MOST_NAMES])
    return f"{shown} and {more} more" if more > 0 else shown
