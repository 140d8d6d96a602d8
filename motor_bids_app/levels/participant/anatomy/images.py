"""The images of a head: as they were read, and what was found of them."""

from dataclasses import dataclass, field

import nibabel as nib
import numpy as np

from motor_bids_app.levels.participant.anatomy.lesion import GivenLesion, Lesion
from motor_bids_app.levels.participant.facts import Facts
from motor_bids_app.mri.alignment import Matrix
from motor_bids_app.mri.rigid import Coregistration
from motor_bids_app.spaces.transforms import Transform


@dataclass(frozen=True)
class TakenAnatomy:
    """What need not be computed; all on the grid of the head.

    Parameters
    ----------
    head : bool
        Whether the head is without noise and bias already.
    brain : Nifti1Image, shape (X, Y, Z), uint8, or None
    tissue : dict of Nifti1Image, shape (X, Y, Z), float32
        Probabilities of "GM", "WM" and "CSF", or none.
    transform : Transform or None
        From the standard space to the head.
    """

    head: bool = False
    brain: nib.Nifti1Image | None = None
    tissue: dict[str, nib.Nifti1Image] = field(default_factory=dict)
    transform: Transform | None = None

    def tissue_outside(self, lesion: nib.Nifti1Image | None) -> dict[str, nib.Nifti1Image]:
        """Tissue without the lesion, of which other tools do not know."""
        healthy = 1.0 if lesion is None else np.asarray(lesion.dataobj) == 0
        return {
            name: nib.Nifti1Image(
                (np.asarray(image.dataobj) * healthy).astype(np.float32), image.affine
            )
            for name, image in self.tissue.items()
        }


@dataclass(frozen=True, eq=False)
class HeadImages:
    """The images of a head; axes in the order right, anterior, superior.

    Parameters
    ----------
    contrast : str
        'T1w', 'T2w' or 'FLAIR', of the image that defines the anatomy.
    runs : dict of Nifti1Image, shape (X, Y, Z), float32
        That image and its repetitions, by file name.
    others : dict of Nifti1Image, shape (x, y, z), float32
        Further contrasts, by name.
    taken : TakenAnatomy
        What another tool has done.
    lesion : GivenLesion or None
    warnings : tuple of str
        What could not be used.
    """

    contrast: str
    runs: dict[str, nib.Nifti1Image]
    others: dict[str, nib.Nifti1Image] = field(default_factory=dict)
    taken: TakenAnatomy = TakenAnatomy()
    lesion: GivenLesion | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Contrast:
    """An image on its own grid, and where it lies: points of the head image to its points."""

    image: nib.Nifti1Image
    place: Coregistration

    @property
    def matrix(self) -> Matrix:
        """From points of the head image, mm."""
        return self.place.matrix


@dataclass(frozen=True, eq=False)
class StandardAnatomy:
    """The anatomy on the standard grid, each image interpolated once; the head without skull."""

    head: nib.Nifti1Image
    brain: nib.Nifti1Image
    tissue: dict[str, nib.Nifti1Image]
    lesion: nib.Nifti1Image | None


@dataclass(frozen=True, eq=False)
class Anatomy:
    """What was found of a head, on its grid but where said.

    Parameters
    ----------
    raw : Nifti1Image, shape (X, Y, Z), float32, or None
        The head before its bias was corrected, if it was here.
    used : tuple of str
        Names of the runs that the head was made of.
    head : Nifti1Image, shape (X, Y, Z), float32
        Without noise and bias.
    brain : Nifti1Image, shape (X, Y, Z), uint8
    tissue : dict of Nifti1Image, shape (X, Y, Z), float32
        Probabilities of "GM", "WM" and "CSF"; 0 in the lesion. Empty where the image does not tell
        them apart.
    lesion : Lesion or None
    contrasts : dict of Contrast
        Further images of the head, by name.
    to_template, to_native : Transform
        Which move images of the head to the standard space, and back.
    standard : StandardAnatomy
    facts : Facts
        Quality, and what a reader should know.
    """

    raw: nib.Nifti1Image | None
    used: tuple[str, ...]
    head: nib.Nifti1Image
    brain: nib.Nifti1Image
    tissue: dict[str, nib.Nifti1Image]
    lesion: Lesion | None
    contrasts: dict[str, Contrast]
    to_template: Transform
    to_native: Transform
    standard: StandardAnatomy
    facts: Facts
