"""The lesion mask of one participant: read, placed in the head and in the standard space."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np

from motor_bids_app.bids.files import load_image
from motor_bids_app.bids.lesion_names import LesionFile
from motor_bids_app.bids.scan import Scan
from motor_bids_app.errors import DataError
from motor_bids_app.levels.participant.anatomy.contrasts import Contrast
from motor_bids_app.levels.participant.outputs import RESOLUTION, Facts, Outputs
from motor_bids_app.mri.alignment import Matrix
from motor_bids_app.mri.anatomy import reorient
from motor_bids_app.mri.lesions import align_lesion, share_in_brain, volume_ml, warp_lesion
from motor_bids_app.mri.registration import register_rigid
from motor_bids_app.reports.participant import checks
from motor_bids_app.settings import STANDARD_SPACE
from motor_bids_app.spaces.atlases import corticospinal_tract
from motor_bids_app.spaces.grids import Grid, standard_grid
from motor_bids_app.spaces.templates import load_template
from motor_bids_app.spaces.transforms import Transform

_MOSTLY = 0.75  # of a lesion in the brain; below, a person should look


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Name the mask in errors about it."""
    try:
        yield
    except DataError as error:
        raise DataError(f"{path}: {error}") from error


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
    path : Path
        The mask as it was given.
    """

    native: nib.Nifti1Image
    standard: nib.Nifti1Image | None
    volume_ml: float
    path: Path

    def in_template(self, to_template: Transform) -> nib.Nifti1Image:
        """The lesion on the standard grid."""
        if self.standard is not None:
            return self.standard
        with _naming(self.path):
            return warp_lesion(self.native, standard_grid(RESOLUTION), to_template)

    def measure(self, brain: nib.Nifti1Image) -> Facts:
        """Volume and place; raises DataError where the mask is not in the brain."""
        facts = Facts(quality={"lesion_volume_ml": self.volume_ml})
        with _naming(self.path):
            share = share_in_brain(self.native, brain)
        facts.quality["lesion_in_brain"] = share
        if share < _MOSTLY:
            facts.notes.append(
                f"Only {100 * share:.0f} % of the lesion mask lies in the brain mask. Look at both "
                "in the first figure: the lesion may be misplaced, or cut off the brain."
            )
        return facts


def drawn_lesion(
    scan: Scan, source: Path, head: nib.Nifti1Image, contrasts: Mapping[str, Contrast]
) -> Lesion | None:
    """Bring a lesion drawn on any native image of this participant to the head image."""
    if scan.lesion is None or scan.lesion.is_standard:
        return None
    drawn_on = scan.image(scan.lesion.image) if scan.lesion.image else None
    matrix = np.eye(4)
    if drawn_on is not None and drawn_on != source:
        known = contrasts.get(scan.lesion.image or "")
        matrix = known.matrix if known else register_rigid(head, reorient(load_image(drawn_on)))
    return placed_lesion(scan.lesion.path, head, np.linalg.inv(matrix).astype(np.float64))


def placed_lesion(path: Path, image: nib.Nifti1Image, matrix: Matrix | None = None) -> Lesion:
    """Read a mask and bring it to an image, to whose mm the matrix leads from those of the mask."""
    mask = load_image(path)
    to_image = np.eye(4) if matrix is None else matrix
    with _naming(path):
        placed = nib.Nifti1Image(np.asarray(mask.dataobj), to_image @ mask.affine)
        return Lesion(align_lesion(placed, image), None, volume_ml(mask), path)


def given_lesion(scan: Scan) -> nib.Nifti1Image | None:
    """A lesion that was drawn in the standard space, on its grid; None for any other."""
    if scan.lesion is None or not scan.lesion.is_standard:
        return None
    with _naming(scan.lesion.path):
        return align_lesion(load_image(scan.lesion.path), load_template("T1w", RESOLUTION))


def lesion_in_head(
    given: nib.Nifti1Image, path: Path, head: nib.Nifti1Image, to_native: Transform
) -> Lesion:
    """Bring a lesion of the standard space to the head, whose points the transform takes there."""
    with _naming(path):
        native = warp_lesion(given, Grid.of(head), to_native)
    return Lesion(native, given, volume_ml(native), path)


def preprocess_standard_lesion(scan: Scan, outputs: Outputs) -> None:
    """Save the lesion of a participant who has nothing but a mask in standard space."""
    assert scan.lesion is not None
    mask = given_lesion(scan)
    assert mask is not None
    with _naming(scan.lesion.path):
        share_in_brain(mask, load_template("brain", RESOLUTION))
    path = outputs.path("mask", "anat", label="L", standard=True)
    outputs.save(mask, path, [scan.lesion.path], **lesion_sidecar(scan.lesion))
    save_lesion_figure(load_template("T1w", RESOLUTION), mask, outputs)
    outputs.save_facts("anat", Facts(methods=["standard_lesion"]))


def lesion_sidecar(lesion: LesionFile) -> dict[str, object]:
    """Fields of the sidecar of a lesion mask; they say where its place is approximate."""
    sidecar: dict[str, object] = {"Type": "Lesion"}
    if lesion.is_standard and lesion.space != STANDARD_SPACE:
        sidecar["Description"] = (
            f"Mask given in {lesion.space}, taken to be in {STANDARD_SPACE}: the two differ by "
            "some millimetres, which were not undone"
        )
    return sidecar


def save_lesion_figure(image: nib.Nifti1Image, lesion: nib.Nifti1Image, outputs: Outputs) -> None:
    """Save the picture of a lesion in the standard space, with the tracts."""
    tracts = corticospinal_tract(RESOLUTION)
    brain = load_template("brain", RESOLUTION)
    outputs.save_figure(checks.lesion_standard(image, lesion, tracts, brain))
