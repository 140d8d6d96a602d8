"""A lesion mask of one participant: placed in the head and in the standard space."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import nibabel as nib
import numpy as np

from motor_bids_app.errors import DataError
from motor_bids_app.levels.participant.facts import Facts
from motor_bids_app.mri.alignment import Matrix
from motor_bids_app.mri.lesions import align_lesion, share_in_brain, volume_ml, warp_lesion
from motor_bids_app.mri.registration import register_rigid
from motor_bids_app.spaces.grids import RESOLUTION, Grid, standard_grid
from motor_bids_app.spaces.templates import load_template
from motor_bids_app.spaces.transforms import Transform

_MOSTLY = 0.75  # of a lesion in the brain; below, a person should look


@contextmanager
def naming(name: str) -> Iterator[None]:
    """Name the mask in errors about it."""
    try:
        yield
    except DataError as error:
        raise DataError(f"{name}: {error}") from error


@dataclass(frozen=True, eq=False)
class GivenLesion:
    """A lesion mask as it came.

    Parameters
    ----------
    mask : Nifti1Image, shape (X, Y, Z)
        On whatever grid it was drawn.
    name : str
        What messages call it.
    drawn_on : str
        'T1w', 'T2w', 'FLAIR' or 'dwi', or 'standard' for the standard space.
    reference : Nifti1Image, shape (X, Y, Z), or None
        The image it was drawn on, where that is neither the head nor another contrast of it.
    """

    mask: nib.Nifti1Image
    name: str
    drawn_on: str
    reference: nib.Nifti1Image | None = None

    @property
    def is_standard(self) -> bool:
        """Whether the mask is in the standard space already."""
        return self.drawn_on == "standard"

    def on_standard_grid(self) -> nib.Nifti1Image:
        """A mask that was drawn in the standard space, on its grid."""
        with naming(self.name):
            return align_lesion(self.mask, load_template("T1w", RESOLUTION))


@dataclass(frozen=True, eq=False)
class Lesion:
    """A lesion mask in the head and, where it was drawn there, in the standard space.

    Parameters
    ----------
    native : Nifti1Image, shape (X, Y, Z), uint8
        On the grid of the head.
    standard : Nifti1Image, shape (91, 109, 91), uint8, or None
        As it was given.
    volume_ml : float
        In the participant's own space: of the mask as it came, or of `native` where it came in
        a standard space.
    name : str
        What messages call it.
    """

    native: nib.Nifti1Image
    standard: nib.Nifti1Image | None
    volume_ml: float
    name: str

    def in_template(self, to_template: Transform) -> nib.Nifti1Image:
        """The lesion on the standard grid."""
        if self.standard is not None:
            return self.standard
        with naming(self.name):
            return warp_lesion(self.native, standard_grid(RESOLUTION), to_template)

    def measure(self, brain: nib.Nifti1Image) -> Facts:
        """Volume and place; raises DataError where the mask is not in the brain."""
        with naming(self.name):
            share = share_in_brain(self.native, brain)
        facts = Facts(quality={"lesion_volume_ml": self.volume_ml, "lesion_in_brain": share})
        if share < _MOSTLY:
            facts.notes.append(
                f"Only {100 * share:.0f} % of the lesion mask lies in the brain mask. Look at both "
                "in the first figure: the lesion may be misplaced, or cut off the brain."
            )
        return facts


def drawn_lesion(
    given: GivenLesion | None, head: nib.Nifti1Image, to_contrasts: Mapping[str, Matrix]
) -> Lesion | None:
    """Bring a lesion drawn on any native image of a participant to the head image.

    Parameters
    ----------
    given : GivenLesion or None
        Of the standard space, it gives None.
    head : Nifti1Image, shape (X, Y, Z)
    to_contrasts : mapping of array, shape (4, 4)
        Head to the other contrasts, in mm, by their names.
    """
    if given is None or given.is_standard:
        return None
    if given.reference is not None:
        matrix = register_rigid(head, given.reference)
    else:
        matrix = to_contrasts.get(given.drawn_on, np.eye(4))
    back = np.linalg.inv(matrix).astype(np.float64)
    return place_lesion(given.mask, given.name, head, back)


def place_lesion(
    mask: nib.Nifti1Image, name: str, image: nib.Nifti1Image, matrix: Matrix | None = None
) -> Lesion:
    """Bring a mask to an image, to whose mm the matrix leads from those of the mask."""
    to_image = np.eye(4) if matrix is None else matrix
    with naming(name):
        placed = nib.Nifti1Image(np.asarray(mask.dataobj), to_image @ mask.affine)
        return Lesion(align_lesion(placed, image), None, volume_ml(mask), name)


def lesion_in_head(
    standard: nib.Nifti1Image, name: str, head: nib.Nifti1Image, to_native: Transform
) -> Lesion:
    """Bring a lesion of the standard space to the head, whose points the transform takes there."""
    with naming(name):
        native = warp_lesion(standard, Grid.of(head), to_native)
    return Lesion(native, standard, volume_ml(native), name)
