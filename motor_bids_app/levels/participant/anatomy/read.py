"""The images of a head, from the files of one participant and session."""

from pathlib import Path

import nibabel as nib

from motor_bids_app.bids.files import load_image
from motor_bids_app.bids.scan import ANATOMY, Scan
from motor_bids_app.levels.participant.anatomy.finished import take_anatomy
from motor_bids_app.levels.participant.anatomy.images import HeadImages
from motor_bids_app.levels.participant.anatomy.lesion import GivenLesion
from motor_bids_app.mri.anatomy import reorient


def read_anatomy(scan: Scan) -> HeadImages:
    """Read the images of a participant who has a T1w, T2w or FLAIR image.

    Raises
    ------
    ReadWriteError, InputMissingError, DataError
        A file is damaged, missing, or no image of a head.
    """
    assert scan.anatomy is not None
    _, contrast = scan.anatomy
    runs = {path.name: _canonical(path) for path in head_runs(scan)}
    others = {
        name: _canonical(path)
        for name in ANATOMY
        if name != contrast and (path := scan.image(name)) is not None
    }
    head = next(iter(runs.values()))
    taken = take_anatomy(scan.finished, head)
    return HeadImages(contrast, runs, others, taken, read_lesion(scan, [*others]))


def head_runs(scan: Scan) -> list[Path]:
    """The image that defines the anatomy, and its repetitions."""
    assert scan.anatomy is not None
    source, _ = scan.anatomy
    return [source] if scan.finished.head else [source, *scan.repeats]


def read_lesion(scan: Scan, placed: list[str] | None = None) -> GivenLesion | None:
    """Read the lesion mask, and the image it was drawn on unless that is the head or `placed`."""
    if scan.lesion is None:
        return None
    name = scan.lesion.image or ""
    drawn_on = None if scan.lesion.is_standard else scan.image(name)
    known = name in (placed or []) or (scan.anatomy and drawn_on == scan.anatomy[0])
    return GivenLesion(
        mask=load_image(scan.lesion.path),
        name=str(scan.lesion.path),
        drawn_on=name,
        reference=None if known or drawn_on is None else _canonical(drawn_on),
    )


def _canonical(path: Path) -> nib.Nifti1Image:
    return reorient(load_image(path))
