"""Derivatives of the anatomy of one participant: names, sidecars, and both spaces of each."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np

from motor_bids_app.bids.scan import Scan
from motor_bids_app.levels.participant.lesion import Lesion, lesion_sidecar
from motor_bids_app.levels.participant.outputs import RESOLUTION, Outputs
from motor_bids_app.mri.resampling import displacement_field, resample
from motor_bids_app.spaces.grids import Grid, standard_grid
from motor_bids_app.spaces.transforms import Transform


@dataclass(frozen=True, eq=False)
class Anatomy:
    """What was found of a head, on its grid."""

    head: nib.Nifti1Image
    brain: nib.Nifti1Image
    tissue: Mapping[str, nib.Nifti1Image]
    lesion: Lesion | None


def save_images(
    images: Anatomy,
    sources: list[Path],
    to_template: Transform,
    scan: Scan,
    outputs: Outputs,
) -> None:
    """Save head, brain mask, tissue and lesion, on their own and on the standard grid."""
    assert scan.anatomy is not None
    source, contrast = scan.anatomy
    finished = scan.finished
    saver = _Saver(outputs, sources, to_template)
    saver.save(images.head, suffix=contrast, desc="preproc", brain=images.brain)
    saver = _Saver(outputs, [finished.brain or source], to_template)
    saver.save(images.brain, suffix="mask", desc="brain")
    for name, probability in images.tissue.items():
        saver = _Saver(outputs, [finished.tissue.get(name, source)], to_template)
        saver.save(probability, suffix="probseg", label=name)
    if images.lesion is not None and scan.lesion is not None:
        sidecar, origin = lesion_sidecar(scan.lesion), [*sources, scan.lesion.path]
        for mask, standard in (
            (images.lesion.native, False),
            (images.lesion.in_template(to_template), True),
        ):
            path = outputs.path("mask", "anat", label="L", standard=standard)
            outputs.save(mask, path, origin, **sidecar)


def save_transforms(
    to_template: Transform,
    to_native: Transform,
    head: nib.Nifti1Image,
    contrast: str,
    source: Path,
    outputs: Outputs,
) -> None:
    """Save both directions; named by the images they move, as BIDS does."""
    for field, ends in (
        (displacement_field(to_template, standard_grid(RESOLUTION)), (contrast, outputs.space)),
        (displacement_field(to_native, coarse_grid(head)), (outputs.space, contrast)),
    ):
        path = outputs.path("xfm", "anat", transform=ends)
        outputs.save(field, path, [source], Description="Displacements in mm (LPS), as ITK reads")


def coarse_grid(head: nib.Nifti1Image) -> Grid:
    """Grid over the head image with voxels of about 2 mm: enough for a smooth displacement."""
    grid = Grid.of(head)
    steps = np.maximum(1, np.round(RESOLUTION / grid.voxel_sizes)).astype(int)
    x, y, z = (int(-(-count // step)) for count, step in zip(grid.shape, steps, strict=True))
    return Grid((x, y, z), grid.affine @ np.diag([*steps, 1]))


@dataclass(frozen=True)
class _Saver:
    """Saves an image on its own grid and, interpolated once, on the standard grid."""

    outputs: Outputs
    sources: list[Path]
    to_template: Transform

    def save(
        self,
        image: nib.Nifti1Image,
        *,
        suffix: str,
        brain: nib.Nifti1Image | None = None,
        **names: str,
    ) -> None:
        """Save both; `brain` cuts the skull off, which the template does not have either."""
        path = self.outputs.path(suffix, "anat", **names)
        self.outputs.save(image, path, self.sources, **_sidecar(suffix, stripped=False))
        if brain is not None:
            inside = np.asarray(brain.dataobj) > 0
            image = nib.Nifti1Image(np.asarray(image.dataobj) * inside, image.affine, image.header)
        moved = resample(image, standard_grid(RESOLUTION), self.to_template)
        if suffix == "mask":
            moved = _binary(moved)
        path = self.outputs.path(suffix, "anat", **names, standard=True)
        self.outputs.save(moved, path, self.sources, **_sidecar(suffix, stripped=True))


def _sidecar(suffix: str, *, stripped: bool) -> dict[str, object]:
    """Fields that BIDS requires of an image with this suffix."""
    if suffix == "mask":
        return {"Type": "Brain"}
    return {} if suffix == "probseg" else {"SkullStripped": stripped}


def _binary(probability: nib.Nifti1Image) -> nib.Nifti1Image:
    inside = np.asarray(probability.dataobj) > 0.5
    return nib.Nifti1Image(inside.astype(np.uint8), probability.affine)
