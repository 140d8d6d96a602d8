"""The images of a head, from the files of one participant and session."""

from collections.abc import Mapping
from pathlib import Path

import nibabel as nib

from motor_bids_app.bids.files import load_image
from motor_bids_app.bids.scan import ANATOMY, Scan
from motor_bids_app.levels.participant.anatomy.finished import take_anatomy
from motor_bids_app.levels.participant.anatomy.images import HeadImages
from motor_bids_app.levels.participant.anatomy.lesion import GivenLesion, naming
from motor_bids_app.mri.anatomy import reorient
from motor_bids_app.mri.lesion_values import unite, values_note
from motor_bids_app.settings import STANDARD_SPACE
from motor_bids_app.spaces.grids import Grid


def read_anatomy(scan: Scan) -> HeadImages:
    """Read the images of a participant who has a T1w, T2w or FLAIR image.

    Raises
    ------
    ReadWriteError, InputMissingError, DataError
        A file is damaged, missing, or no image of a head.
    """
    assert scan.anatomy is not None
    _, contrast = scan.anatomy
    paths = {
        name: path
        for name in ANATOMY
        if name != contrast and (path := scan.image(name)) is not None
    }
    grids: dict[Path, Grid] = {}

    def canonical(path: Path) -> nib.Nifti1Image:
        image = load_image(path)
        grids[path] = Grid.of(image)
        with naming(str(path)):
            return reorient(image)

    runs = {path.name: canonical(path) for path in head_runs(scan)}
    others = {name: canonical(path) for name, path in paths.items()}
    head = next(iter(runs.values()))
    taken = take_anatomy(scan.finished, head)
    return HeadImages(contrast, runs, others, taken, read_lesion(scan, grids))


def head_runs(scan: Scan) -> list[Path]:
    """The image that defines the anatomy, and its repetitions."""
    assert scan.anatomy is not None
    source, _ = scan.anatomy
    return [source] if scan.finished.head else [source, *scan.repeats]


def read_lesion(scan: Scan, read: Mapping[Path, Grid]) -> GivenLesion | None:
    """Read the lesion mask, and the image it was drawn on unless that is `read` already.

    Parameters
    ----------
    scan : Scan
    read : mapping of Grid
        Grids, as they were stored, of images of the head by path.
    """
    if scan.lesion is None:
        return None
    paths = scan.lesion.paths
    masks = {path.name: load_image(path) for path in paths}
    with naming(str(paths[0])):
        mask = unite(masks)
        remarks = [values_note(image) for image in masks.values()]
    drawn_on = scan.lesion_drawn_on
    grid, reference = read.get(drawn_on) if drawn_on else None, None
    if drawn_on and grid is None:
        image = load_image(drawn_on)
        grid, reference = Grid.of(image), reorient(image)
    return GivenLesion(
        mask=mask,
        name=str(paths[0]),
        drawn_on=scan.lesion.image or "",
        reference=reference,
        image_grid=grid,
        notes=tuple(remark for remark in dict.fromkeys(remarks) if remark),
        space=(scan.lesion.is_standard and scan.lesion.space) or STANDARD_SPACE,
    )
