"""Where a raw bold series lies on the head, and what of its distortion is undone."""

from dataclasses import dataclass

import nibabel as nib
import numpy as np

from motor_bids_app.levels.participant.distortion.find import INSTEAD, find_by_head, find_field
from motor_bids_app.levels.participant.distortion.images import phase_axis
from motor_bids_app.levels.participant.functional.inputs import BoldInputs
from motor_bids_app.levels.participant.outputs import Facts
from motor_bids_app.mri.alignment import Matrix
from motor_bids_app.mri.distortion.susceptibility import Field, unwarp
from motor_bids_app.mri.functional.placing import Distortion
from motor_bids_app.mri.registration import coregister, refit
from motor_bids_app.mri.resampling import resample
from motor_bids_app.mri.rigid import Coregistration
from motor_bids_app.spaces.grids import Grid, image_like
from motor_bids_app.spaces.transforms import Transform


@dataclass(frozen=True, eq=False)
class Placement:
    """Mean of a series on its own grid, and its place.

    Parameters
    ----------
    before, mean : Nifti1Image, shape (X, Y, Z)
        As acquired, and without distortion; the same where nothing is undone.
    from_head : Matrix
        Points of the head to those of `mean`, mm.
    distortion : Distortion or None
        What is undone.
    brain, white_matter : Nifti1Image, shape (X, Y, Z)
        Mask and probability of the head, on the grid of `mean`.
    """

    before: nib.Nifti1Image
    mean: nib.Nifti1Image
    from_head: Matrix
    distortion: Distortion | None
    brain: nib.Nifti1Image
    white_matter: nib.Nifti1Image

    @property
    def shift(self) -> nib.Nifti1Image | None:
        """Displacement that is undone, in mm."""
        if self.distortion is None:
            return None
        size = Grid.of(self.mean).voxel_sizes[self.distortion.axis]
        return image_like(self.distortion.field * np.float32(size), self.mean)


def register_series(mean: nib.Nifti1Image, inputs: BoldInputs) -> Coregistration:
    """Register the mean of a series to the head."""
    return coregister(inputs.head, mean, inputs.brain)


def place_mean(raw: nib.Nifti1Image, before: nib.Nifti1Image, inputs: BoldInputs) -> Placement:
    """Undo the distortion of the mean of a series, and register it to the head.

    `raw` is the same mean with the bias of the coil, which images that show its distortion have.
    """
    facts = inputs.series.facts
    mean, found, distortion = _undistort(raw, before, inputs, facts)
    facts.methods.append("bold_coregistration")
    facts.quality["bold_coregistration_similarity"] = found.similarity
    facts.warnings.extend(filter(None, [found.doubt("bold")]))
    to_head = Transform(matrix=np.linalg.inv(found.matrix).astype(np.float64))
    brain, white = (
        resample(image, Grid.of(mean), to_head) for image in (inputs.brain, inputs.white_matter)
    )
    inside = (np.asarray(brain.dataobj) > 0.5) & (np.asarray(mean.dataobj) > 0)
    mask = nib.Nifti1Image(inside.astype(np.uint8), mean.affine)
    placement = Placement(before, mean, found.matrix, distortion, mask, white)
    if placement.shift is not None:
        moved = np.abs(np.asarray(placement.shift.dataobj)[inside])
        facts.quality["bold_distortion"] = float(moved.mean()) if moved.size else 0.0
    return placement


def _undistort(
    raw: nib.Nifti1Image, before: nib.Nifti1Image, inputs: BoldInputs, facts: Facts
) -> tuple[nib.Nifti1Image, Coregistration, Distortion | None]:
    """Keep a correction that makes the series no less like the head; say what was done."""
    axis, unused = phase_axis(inputs.series.sidecar), list[str]()
    shown = find_field(raw, inputs.series.sidecar, inputs.distortion, unused)
    field, by = (shown.field, shown.by) if shown else (None, "left")
    if shown is None and inputs.by_head:
        field, by = _by_head(before, axis, inputs, facts)
    after, found, kept = before, None, None
    if field is not None:
        after = image_like(unwarp(np.asarray(before.dataobj), field, axis), before)
        found = register_series(after, inputs)
        plain = refit(inputs.head, before, inputs.brain, found.matrix)
        facts.quality["bold_similarity_uncorrected"] = plain.similarity
        if found.similarity >= plain.similarity:
            kept = Distortion(field, axis)
        else:
            by = "refused"
            facts.notes.append(_refused(found.similarity, plain.similarity))
    facts.methods.append(f"bold_susceptibility_{by}")
    facts.warnings.extend(f"{sentence} {INSTEAD[by]}" for sentence in unused)
    if found is None or kept is None:
        return before, register_series(before, inputs), None
    return after, found, kept


def _by_head(
    mean: nib.Nifti1Image, axis: int, inputs: BoldInputs, facts: Facts
) -> tuple[Field | None, str]:
    """The field that the head shows, and how it was found."""
    found = find_by_head(mean, axis, inputs.head, inputs.brain, inputs.head_lesion)
    if found.field is None:
        facts.notes.append(f"Susceptibility distortion of the bold {found.left}")
        return None, "none"
    if not {"PhaseEncodingDirection", "PhaseEncodingAxis"} & inputs.series.sidecar.keys():
        facts.notes.append(
            "No sidecar of the bold has its PhaseEncodingDirection: the second axis (j) was "
            "assumed, along which its distortion was looked for by the head image."
        )
    return found.field, "head"


def _refused(after: float, before: float) -> str:
    return (
        "The distortion of the bold was left: with the correction its edges fit those of the head "
        f"worse ({after:.2f}) than without ({before:.2f} of 1). Check the "
        "PhaseEncodingDirection of the bold and of the images that show its field."
    )
