"""A lesion mask of one participant: placed in the head and in the standard space."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import nibabel as nib
import numpy as np

from motor_bids_app.errors import DataError, GridMismatchError
from motor_bids_app.levels.participant.facts import Facts
from motor_bids_app.mri.alignment import Matrix
from motor_bids_app.mri.lesion_checks import (
    header_reading,
    relation,
    share_in_brain,
    share_of_brain,
    voxel_reading,
)
from motor_bids_app.mri.lesions import align_lesion, brain_with_lesion, volume_ml, warp_lesion
from motor_bids_app.settings import STANDARD_SPACE
from motor_bids_app.spaces.grids import RESOLUTION, Grid, standard_grid
from motor_bids_app.spaces.mni import to_mni_space
from motor_bids_app.spaces.templates import load_template
from motor_bids_app.spaces.transforms import Transform

_APART = 0.05  # of a lesion outside the brain mask, from which it is said
_ADDED = 0.01  # of a lesion that the brain mask grew by, from which it is said
_MOSTLY = 0.75  # of a lesion in the brain; below, its place is doubtful
_LARGE = 1 / 3  # of the brain


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
    mask : Nifti1Image, shape (X, Y, Z), uint8
        1 in the lesion, 0 elsewhere; on whatever grid it was drawn.
    name : str
        What messages call it.
    drawn_on : str
        'T1w', 'T2w', 'FLAIR' or 'dwi', or 'standard' for the standard space.
    reference : Nifti1Image, shape (X, Y, Z), or None
        The image it was drawn on, where that is neither the head nor another contrast of it.
    image_grid : Grid or None
        Of the image it was drawn on, as that was stored.
    remarks : Facts
        How it was read.
    space : str
        Of those in `settings.MNI_SPACES`, where it was drawn in a standard space.
    """

    mask: nib.Nifti1Image
    name: str
    drawn_on: str
    reference: nib.Nifti1Image | None = None
    image_grid: Grid | None = None
    remarks: Facts = field(default_factory=Facts)
    space: str = STANDARD_SPACE

    @property
    def is_standard(self) -> bool:
        """Whether the mask is in a standard space already."""
        return self.drawn_on == "standard"

    def on_standard_grid(self) -> nib.Nifti1Image:
        """A mask that was drawn in a standard space, on the grid of ours."""
        transform = to_mni_space(self.space)
        with naming(self.name):
            if transform.displacement is None:
                return align_lesion(self.mask, load_template("T1w", RESOLUTION))
            drawn = align_lesion(self.mask, self.mask)
            return warp_lesion(drawn, standard_grid(RESOLUTION), transform)


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
    remarks : Facts
        How it was read and placed.
    """

    native: nib.Nifti1Image
    standard: nib.Nifti1Image | None
    volume_ml: float
    name: str
    remarks: Facts = field(default_factory=Facts)

    def in_template(self, to_template: Transform) -> nib.Nifti1Image:
        """The lesion on the standard grid."""
        if self.standard is not None:
            return self.standard
        with naming(self.name):
            return warp_lesion(self.native, standard_grid(RESOLUTION), to_template)

    def join(self, brain: nib.Nifti1Image) -> tuple[nib.Nifti1Image, Facts]:
        """Return the brain mask with the lesion at its surface, and volume and place of that.

        Raises DataError where the mask cannot be a lesion of this brain.
        """
        whole, added = brain_with_lesion(brain, self.native)
        facts = check_lesion(self.native, brain, self.name, added)
        facts.add(self.remarks)
        facts.quality["lesion_volume_ml"] = self.volume_ml
        return whole, facts


def check_lesion(
    lesion: nib.Nifti1Image, brain: nib.Nifti1Image, name: str, added: float = 0.0
) -> Facts:
    """Say what is doubtful about size and place of a lesion; both on one grid.

    Parameters
    ----------
    lesion, brain : Nifti1Image, shape (X, Y, Z)
        Positive inside.
    name : str
        What messages call the mask.
    added : float
        Share of the lesion that `brain` leaves out and is added to it, 0 to 1.

    Raises
    ------
    DataError
        It is none of this brain.
    """
    with naming(name):
        inside, taken = share_in_brain(lesion, brain), share_of_brain(lesion, brain)
    facts = Facts(quality={"lesion_in_brain": inside})
    text = _outside(1 - inside, added)
    if text:
        (facts.notes if inside >= _MOSTLY else facts.warnings).append(text)
    if taken > _LARGE:
        facts.warnings.append(
            f"The lesion mask takes {100 * taken:.0f} % of the brain. Check its size."
        )
    return facts


def _outside(outside: float, added: float) -> str | None:
    """Say which share of a lesion the brain mask left out, and what became of it."""
    left = outside - added
    if left <= _APART and added <= _ADDED:
        return None
    text = f"The brain mask had left out {100 * outside:.0f} % of the lesion mask"
    doubt = "the lesion may be misplaced, or cut off the brain"
    if added <= _ADDED:
        text += ", which is left outside"
    elif left > _APART:
        text += (
            f": {100 * added:.0f} %, at its surface, was added to it, and {100 * left:.0f} % is "
        )
        text += "left outside"
    else:
        text += ", at its surface, which was added to it"
        doubt = "a misplaced lesion would make the brain too large"
    return f"{text}. Look at both in the first figure: {doubt}."


def drawn_lesion(given: GivenLesion, head: nib.Nifti1Image, matrix: Matrix) -> Lesion:
    """Bring a lesion drawn on any native image of a participant to the head image.

    Parameters
    ----------
    given : GivenLesion
        Not of the standard space.
    head : Nifti1Image, shape (X, Y, Z)
    matrix : array, shape (4, 4)
        Head to the image that it was drawn on, in mm.
    """
    back = np.linalg.inv(matrix).astype(np.float64)
    return place_lesion(given.mask, given.name, head, back)


def check_place(given: GivenLesion, brain: nib.Nifti1Image | None = None) -> Facts:
    """Say how a mask lies on the image it was drawn on; `brain` is a mask in the space of that.

    Raises
    ------
    GridMismatchError
        It has the shape of the image but lies elsewhere: by its voxels it is in one place, by its
        header in another.
    """
    if given.image_grid is None:
        return Facts()
    found = relation(Grid.of(given.mask), given.image_grid)
    if found == "moved":
        readings = ""
        if brain is not None:
            ours = 100 * voxel_reading(given.mask, given.image_grid, brain)
            own = 100 * header_reading(given.mask, brain)
            readings = f" ({ours:.0f} % of it lies in the brain by its voxels, {own:.0f} % by that)"
        raise GridMismatchError(
            f"{given.name} has as many voxels as the {given.drawn_on} along each axis, but its "
            f"header puts them elsewhere{readings}. If it is that image's voxel by voxel, copy "
            "the header of that into it; if its own header is right, resample it to that image."
        )
    name = given.name.rpartition("/")[2]
    if found == "reversed":
        return Facts(
            warnings=[
                f"By their headers, the voxels of {name} run another way than those of the "
                f"{given.drawn_on}. It was placed by its header: look whether the side is right."
            ]
        )
    if found == "other":
        return Facts(
            notes=[f"{name} is on another grid than the {given.drawn_on}: placed by its header."]
        )
    return Facts()


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
