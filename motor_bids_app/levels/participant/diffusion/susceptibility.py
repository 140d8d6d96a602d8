"""Susceptibility distortion of a diffusion series: which way it can be found, and its effect."""

from dataclasses import dataclass, replace

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from motor_bids_app.levels.participant.diffusion.clean import Clean
from motor_bids_app.levels.participant.diffusion.place import Place
from motor_bids_app.levels.participant.diffusion.read import Head, Series
from motor_bids_app.levels.participant.distortion.find import INSTEAD, find_by_head, find_field
from motor_bids_app.levels.participant.outputs import Facts
from motor_bids_app.mri.distortion.susceptibility import Field, unwarp
from motor_bids_app.mri.rigid import Coregistration
from motor_bids_app.settings import ProcessingSettings
from motor_bids_app.spaces.grids import Grid


@dataclass(frozen=True, eq=False)
class Distortion:
    """What was found, and the mean b0 volume before and after it was undone.

    Parameters
    ----------
    before, after : Nifti1Image, shape (X, Y, Z)
        Mean of the volumes without weighting; the same where nothing is to be undone.
    axis : int
        Voxel axis of phase encoding.
    facts : Facts
        How it was found.
    field : array, shape (X, Y, Z), or None
        Displacement along that axis in voxels; None where nothing is to be undone.
    from_head : Coregistration or None
        Points of the head to those of the series in mm, where that is known already.
    """

    before: nib.Nifti1Image
    after: nib.Nifti1Image
    axis: int
    facts: Facts
    field: Field | None = None
    from_head: Coregistration | None = None

    @property
    def shift(self) -> NDArray[np.float32] | None:
        """Displacement in mm, shape (X, Y, Z)."""
        if self.field is None:
            return None
        return self.field * np.float32(Grid.of(self.before).voxel_sizes[self.axis])

    def measure(self, place: Place) -> None:
        """Add the mean displacement in the brain to the facts."""
        if self.shift is not None:
            inside = np.asarray(place.brain.dataobj) > 0
            self.facts.quality["dwi_distortion"] = float(np.abs(self.shift[inside]).mean())


def undistort(clean: Clean, series: Series, settings: ProcessingSettings) -> Distortion:
    """Find susceptibility distortion and undo it, in the volumes of `clean` themselves.

    They are interpolated again, by splines along the phase-encoding axis alone.
    """
    before = clean.mean_b0(series.image)
    found = _find(before, series, settings)
    if found.field is None:
        return found
    data, sigma = clean.corrected.data, clean.sigma
    data[...] = unwarp(data, found.field, found.axis)
    if sigma is not None:
        sigma[...] = unwarp(sigma, found.field, found.axis)
    return replace(found, after=clean.mean_b0(series.image))


def _find(b0: nib.Nifti1Image, series: Series, settings: ProcessingSettings) -> Distortion:
    """Find the field of the mean b0 volume; the facts say how.

    It is found from the image with opposite phase encoding, else from a field map; without
    these by the head, if the setting asks for it: that finds strong distortions, and but a part
    of them.
    """
    axis, unused = series.phase_axis, list[str]()
    shown = find_field(b0, series.sidecar, series.distortion, unused)
    if shown is not None:
        facts = Facts(methods=[f"susceptibility_{shown.by}"])
        found = Distortion(b0, b0, axis, facts, shown.field)
    elif series.head is not None and settings.susceptibility == "head":
        found = _by_head(b0, axis, series.head)
    else:
        found = Distortion(b0, b0, axis, Facts(methods=["susceptibility_left"]))
    instead = INSTEAD[found.facts.methods[0].removeprefix("susceptibility_")]
    found.facts.warnings.extend(f"{sentence} {instead}" for sentence in unused)
    return found


def _by_head(b0: nib.Nifti1Image, axis: int, head: Head) -> Distortion:
    found = find_by_head(b0, axis, head.image, head.brain, head.lesion)
    if found.field is not None:
        return Distortion(b0, b0, axis, Facts(methods=["susceptibility_head"]), found.field)
    facts = Facts(methods=["susceptibility_none"])
    facts.notes.append(f"Susceptibility distortion of the dwi {found.left}")
    return Distortion(b0, b0, axis, facts, from_head=found.place)
