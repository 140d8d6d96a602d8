"""The cohort as a whole: quality measures side by side, and where lesions overlap."""

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from motor_bids_app.bids.files import load_image, save_image, write_table
from motor_bids_app.features.table import dictionary_for
from motor_bids_app.levels.cohort.participants import Participants
from motor_bids_app.levels.participant.outputs import RESOLUTION, Outputs
from motor_bids_app.mri.quality import robust_outliers
from motor_bids_app.mri.resampling import resample
from motor_bids_app.reports.experiment.group_checks import lesion_overlap_figure, quality_table
from motor_bids_app.reports.experiment.page import CohortImages
from motor_bids_app.settings import Settings
from motor_bids_app.spaces.grids import Grid, standard_grid
from motor_bids_app.spaces.templates import load_template

FOLDER = "group"
MEASURES = (
    "snr_wm", "cnr", "template_correlation", "brain_dice", "brain_coverage", "snr_b0", "snr_dwi",
    "dwi_coverage", "motion_mean_fd", "motion_high_share", "tensor_residual",
)  # fmt: skip


def describe_cohort(people: Participants, settings: Settings) -> CohortImages:
    """Save the quality table and the lesion overlap of a cohort; return what the page shows.

    Files are ``group/quality.tsv`` and ``group/lesion-overlap.nii.gz``, with their sidecars.
    """
    measures = [name for name in MEASURES if name in people.table]
    numbers = people.table[measures].astype(float)
    outliers = {name: robust_outliers(numbers[name].to_numpy()) for name in measures}
    table = people.table[["participant_id", "session_id"]].join(numbers)
    if measures:
        table["outlier_in"] = [
            ", ".join(name for name in measures if outliers[name][row]) or None
            for row in range(len(numbers))
        ]
        dictionary: dict[str, dict[str, object]] = {
            "participant_id": {"Description": "Participant"},
            "session_id": {"Description": "Session; n/a where the dataset has none"},
            **dictionary_for(measures),
            "outlier_in": {"Description": "Measures more than 3 scaled MAD from the median"},
        }
        write_table(settings.output_dir / FOLDER / "quality.tsv", table, dictionary)
    with_mask = {scan.participant for scan in people.scans if "lesion" in scan.maps}
    count = lesion_overlap(people)
    figure = None
    if count is not None:
        _save_overlap(count, people, settings, len(with_mask))
        template, brain = (load_template(kind, RESOLUTION) for kind in ("T1w", "brain"))
        figure = lesion_overlap_figure(count, template, brain, len(with_mask))
    return CohortImages(
        n_people=len({scan.participant for scan in people.scans}),
        n_with_lesion_mask=len(with_mask),
        quality=quality_table(table, measures) if measures else None,
        n_outliers=int(table["outlier_in"].notna().sum()) if measures else 0,
        overlap=figure,
    )


def lesion_overlap(people: Participants) -> nib.Nifti1Image | None:
    """Count in how many people each voxel of the standard grid is lesioned, in any session.

    Returns
    -------
    Nifti1Image, shape (91, 109, 91), int16; None where nobody has a lesion mask.
    """
    grid = standard_grid(RESOLUTION)
    lesioned: dict[str, NDArray[np.bool_]] = {}
    for scan in people.scans:
        if "lesion" in scan.maps:
            mask = np.asarray(_on_grid(load_image(scan.maps["lesion"]), grid).dataobj) > 0
            lesioned[scan.participant] = mask | lesioned.get(scan.participant, np.False_)
    if not lesioned:
        return None
    count = np.zeros(grid.shape, dtype=np.int16)
    for mask in lesioned.values():
        count += mask
    return nib.Nifti1Image(count, grid.affine)


def _on_grid(mask: nib.Nifti1Image, grid: Grid) -> nib.Nifti1Image:
    if mask.shape == grid.shape and np.allclose(mask.affine, grid.affine, atol=1e-3):
        return mask
    return resample(mask, grid, order=0)


def _save_overlap(
    count: nib.Nifti1Image, people: Participants, settings: Settings, n_people: int
) -> None:
    outputs = Outputs(settings.output_dir, "group", None, datasets=settings.derivatives)
    paths = [scan.maps["lesion"] for scan in people.scans if "lesion" in scan.maps]
    sidecar = {
        "Description": "Number of people whose lesion holds the voxel",
        "Units": "people",
        "NumberOfPeople": n_people,
        "SpatialReference": f"{settings.processing.space}, {RESOLUTION} mm",
        "Sources": [outputs.uri(path) for path in paths],
    }
    save_image(count, settings.output_dir / FOLDER / "lesion-overlap.nii.gz", sidecar)
