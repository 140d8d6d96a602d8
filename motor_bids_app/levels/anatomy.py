"""Anatomy of one participant: from a head image to masks, tissue maps and the standard space."""

from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np

from motor_bids_app.bids.files import load_image
from motor_bids_app.bids.scan import Scan
from motor_bids_app.levels.outputs import RESOLUTION, Outputs
from motor_bids_app.mri.anatomy import correct_bias, denoise, reorient
from motor_bids_app.mri.brain_mask import extract_brain
from motor_bids_app.mri.lesions import align_lesion
from motor_bids_app.mri.registration import register_rigid, register_to_template
from motor_bids_app.mri.resampling import displacement_field, invert, resample
from motor_bids_app.mri.tissue import segment_tissue
from motor_bids_app.settings import ProcessingSettings
from motor_bids_app.spaces.grids import Grid, standard_grid
from motor_bids_app.spaces.transforms import Transform


def preprocess_anatomy(scan: Scan, outputs: Outputs, settings: ProcessingSettings) -> None:
    """Save the anatomical derivatives of a participant who has a T1w, T2w or FLAIR image."""
    assert scan.anatomy is not None
    source, contrast = scan.anatomy
    head = correct_bias(denoise(reorient(load_image(source))), mask=None, sloppy=settings.sloppy)
    brain = extract_brain(head)
    drawn = _native_lesion(scan, source, head)
    registration = register_to_template(
        head, brain, drawn, sloppy=settings.sloppy, contrast=contrast
    )
    to_template = registration.transform
    to_native = invert(to_template, Grid.of(head))
    grid = standard_grid(RESOLUTION)
    lesion = drawn
    if scan.lesion is not None and scan.lesion.is_standard:
        lesion = _binary(resample(load_image(scan.lesion.path), Grid.of(head), to_native))
    tissue = segment_tissue(head, brain, lesion)

    save = _Saver(outputs, [source], grid, to_template)
    save.both(head, suffix=contrast, desc="preproc", SkullStripped=False, brain=brain)
    save.both(brain, suffix="mask", desc="brain", Type="Brain")
    for name, probability in tissue.items():
        save.both(probability, suffix="probseg", label=name)
    if lesion is not None and scan.lesion is not None:
        save = _Saver(outputs, [source, scan.lesion.path], grid, to_template)
        save.both(lesion, suffix="mask", label="L", Type="Lesion")
    for image, ends in (
        (displacement_field(to_template, grid), (contrast, outputs.space)),
        (displacement_field(to_native, Grid.of(head)), (outputs.space, contrast)),
    ):
        path = outputs.path("xfm", "anat", transform=ends)
        outputs.save(image, path, [source], Type="displacement field, ITK convention (LPS, mm)")


def preprocess_standard_lesion(scan: Scan, outputs: Outputs) -> None:
    """Save the lesion of a participant who has nothing but a mask in standard space."""
    assert scan.lesion is not None
    mask = _binary(resample(load_image(scan.lesion.path), standard_grid(RESOLUTION)))
    path = outputs.path("mask", "anat", label="L", standard=True)
    outputs.save(mask, path, [scan.lesion.path], Type="Lesion")


def _native_lesion(scan: Scan, source: Path, head: nib.Nifti1Image) -> nib.Nifti1Image | None:
    """Bring a lesion drawn on any native image of this participant to the head image."""
    if scan.lesion is None or scan.lesion.is_standard:
        return None
    mask = load_image(scan.lesion.path)
    drawn_on = scan.image(scan.lesion.image) if scan.lesion.image else None
    if drawn_on is None or drawn_on == source:
        return align_lesion(mask, head)
    matrix = register_rigid(head, reorient(load_image(drawn_on)))
    return _binary(resample(mask, Grid.of(head), Transform(matrix=matrix)))


def _binary(probability: nib.Nifti1Image) -> nib.Nifti1Image:
    inside = np.asarray(probability.dataobj) > 0.5
    return nib.Nifti1Image(inside.astype(np.uint8), probability.affine)


@dataclass(frozen=True)
class _Saver:
    """Saves an image on its own grid and, interpolated once, on the standard grid."""

    outputs: Outputs
    sources: list[Path]
    grid: Grid
    transform: Transform

    def both(
        self,
        image: nib.Nifti1Image,
        *,
        suffix: str,
        brain: nib.Nifti1Image | None = None,
        desc: str | None = None,
        label: str | None = None,
        **sidecar: object,
    ) -> None:
        names = {"desc": desc, "label": label}
        path = self.outputs.path(suffix, "anat", **names)
        self.outputs.save(image, path, self.sources, **sidecar)
        if brain is not None:  # the template has no skull either
            inside = np.asarray(brain.dataobj) > 0
            image = nib.Nifti1Image(np.asarray(image.dataobj) * inside, image.affine, image.header)
            sidecar = {**sidecar, "SkullStripped": True}
        moved = resample(image, self.grid, self.transform)
        if suffix == "mask":
            moved = _binary(moved)
        path = self.outputs.path(suffix, "anat", **names, standard=True)
        self.outputs.save(moved, path, self.sources, **sidecar)
