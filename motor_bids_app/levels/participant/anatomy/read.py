"""The images of a head, from the files of one participant and session."""

from collections.abc import Mapping, Sequence
from functools import partial
from math import prod
from pathlib import Path

import nibabel as nib

from motor_bids_app.bids.files import load_image
from motor_bids_app.bids.scan import ANATOMY, Scan
from motor_bids_app.levels.participant.anatomy.finished import take_anatomy
from motor_bids_app.levels.participant.anatomy.images import HeadImages
from motor_bids_app.levels.participant.anatomy.lesion import GivenLesion, naming
from motor_bids_app.levels.participant.facts import Facts
from motor_bids_app.levels.participant.secondary import unless_unusable
from motor_bids_app.mri.anatomy import reorient
from motor_bids_app.mri.lesion_values import lesion_voxels, unite, values_note
from motor_bids_app.settings import STANDARD_SPACE
from motor_bids_app.spaces.grids import Grid, check_same_grid


def read_anatomy(scan: Scan) -> HeadImages:
    """Read the images of a participant who has a T1w, T2w or FLAIR image.

    Raises
    ------
    ReadWriteError, InputMissingError, DataError
        The image that defines the anatomy, the lesion mask or the image that this was drawn on is
        damaged, missing, or no image of a head; other images are left out then.
    """
    assert scan.anatomy is not None
    _, contrast = scan.anatomy
    paths = {
        name: path
        for name in ANATOMY
        if name != contrast and (path := scan.image(name)) is not None
    }
    grids: dict[Path, Grid] = {}
    warnings: list[str] = []

    def canonical(path: Path) -> nib.Nifti1Image:
        image = load_image(path)
        grids[path] = Grid.of(image)
        volumes = prod(image.shape[3:])
        if volumes > 1:
            warnings.append(
                f"{path.name} has {volumes} volumes, whose mean was taken. If they differ in "
                "contrast, as echoes and inversions do, give one of them as an image."
            )
        with naming(str(path)):
            return reorient(image)

    source, *repeats = head_runs(scan)
    runs, others = {source.name: canonical(source)}, {}
    for path in repeats:
        run = unless_unusable(
            f"{path.name}, a run of the head,", partial(canonical, path), warnings
        )
        runs |= {path.name: run} if run else {}
    for name, path in paths.items():
        if path == scan.lesion_drawn_on:  # which places the lesion
            others[name] = canonical(path)
        elif image := unless_unusable(f"The {name}", partial(canonical, path), warnings):
            others[name] = image
    taken = take_anatomy(scan.finished, runs[source.name])
    lesion = read_lesion(scan, grids)
    return HeadImages(contrast, runs, others, taken, lesion, tuple(warnings))


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
    path, *parts = scan.lesion.paths
    mask, remarks = read_mask(path, parts)
    drawn_on = scan.lesion_drawn_on
    grid, reference = read.get(drawn_on) if drawn_on else None, None
    if drawn_on and grid is None:
        image = load_image(drawn_on)
        grid, reference = Grid.of(image), reorient(image)
    return GivenLesion(
        mask=mask,
        name=str(path),
        drawn_on=scan.lesion.image or "",
        reference=reference,
        image_grid=grid,
        remarks=remarks,
        space=(scan.lesion.is_standard and scan.lesion.space) or STANDARD_SPACE,
    )


def read_mask(path: Path, parts: Sequence[Path]) -> tuple[nib.Nifti1Image, Facts]:
    """A lesion mask with its parts in further files, 1 in the lesion; and how it was read.

    Raises
    ------
    ReadWriteError, InputMissingError, DataError
        The first mask cannot be used; of further ones that is said.
    """
    first, facts = load_image(path), Facts()
    masks = {path.name: first}

    def usable(part: Path) -> nib.Nifti1Image:
        mask = load_image(part)
        with naming(str(part)):
            lesion_voxels(mask)
            check_same_grid(first, **{part.name: mask})
        return mask

    for part in parts:
        what = f"{part.name}, a part of the lesion,"
        if mask := unless_unusable(what, partial(usable, part), facts.warnings):
            masks[part.name] = mask
    with naming(str(path)):
        united = unite(masks)
        facts.notes.extend(filter(None, dict.fromkeys(map(values_note, masks.values()))))
    return united, facts
