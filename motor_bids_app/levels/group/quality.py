"""The cohort as a whole: quality measures side by side, and where lesions overlap."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from motor_bids_app.bids.files import save_image, write_table
from motor_bids_app.features.columns import dictionary_for
from motor_bids_app.levels.cohort.participants import Participants
from motor_bids_app.levels.cohort.unreadable import load_derivative, read_each
from motor_bids_app.levels.participant.outputs import RESOLUTION, Outputs
from motor_bids_app.mri.quality import robust_outliers
from motor_bids_app.mri.resampling import resample
from motor_bids_app.reports.experiment.group_checks import (
    lesion_overlap_figure,
    quality_strips,
    quality_table,
)
from motor_bids_app.reports.experiment.page import CohortImages
from motor_bids_app.settings import Settings
from motor_bids_app.spaces.grids import Grid, standard_grid
from motor_bids_app.spaces.templates import load_template

FOLDER = "group"
MEASURES = (
    "snr_wm",
    "cnr",
    "template_correlation",
    "brain_dice",
    "brain_coverage",
    "snr_b0",
    "snr_dwi",
    "dwi_coverage",
    "motion_mean_fd",
    "motion_high_share",
    "tensor_residual",
)


def describe_cohort(people: Participants, settings: Settings) -> CohortImages:
    """Save the quality table and the lesion overlap of a cohort; return what the page shows.

    Files are ``group/quality.tsv`` and ``group/lesion-overlap.nii.gz``, with their sidecars.
    """
    values = people.table.combine_first(people.doubtful)  # models do not read them: readers do
    measures = [name for name in MEASURES if name in values]
    numbers = values[measures].astype(float)
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
    masks = lesion_masks(people)
    with_mask = {people.scans[row].participant for row in masks}
    without_mask = _without_mask(people)
    count = lesion_overlap(people, masks)
    figure = None
    if count is not None:
        paths = [people.scans[row].maps["lesion"] for row in masks]
        _save_overlap(count, paths, settings, len(with_mask))
        template, brain = (load_template(kind, RESOLUTION) for kind in ("T1w", "brain"))
        figure = lesion_overlap_figure(count, template, brain, len(with_mask))
    return CohortImages(
        n_people=len(with_mask | without_mask),  # of others the mask cannot be read
        n_with_lesion_mask=len(with_mask),
        quality=quality_table(table, measures) if measures else None,
        strips=quality_strips(table, measures) if numbers.notna().any(axis=None) else None,
        n_outliers=int(table["outlier_in"].notna().sum()) if measures else 0,
        overlap=figure,
    )


def _without_mask(people: Participants) -> set[str]:
    """People with a scan that has no mask, rather than one that is doubtful."""
    given = people.table.get("lesion_mask", pd.Series(None, index=people.table.index)) == "given"
    return {
        scan.participant
        for scan, doubtful in zip(people.scans, given, strict=True)
        if "lesion" not in scan.maps and not doubtful
    }


def lesion_masks(people: Participants) -> dict[int, NDArray[np.bool_]]:
    """Masks of the scans that have one that can be read, on the standard grid, by row."""
    grid = standard_grid(RESOLUTION)

    def read(row: int) -> NDArray[np.bool_]:
        mask = load_derivative(people.scans[row].maps["lesion"])
        return np.asarray(_on_grid(mask, grid).dataobj) > 0

    rows = [row for row, scan in enumerate(people.scans) if "lesion" in scan.maps]
    return read_each(rows, read)[0]


def lesion_overlap(
    people: Participants, masks: Mapping[int, NDArray[np.bool_]]
) -> nib.Nifti1Image | None:
    """Count in how many people each voxel of the standard grid is lesioned, in any session.

    Returns
    -------
    Nifti1Image, shape (91, 109, 91), int16; None where nobody has a lesion mask.
    """
    lesioned: dict[str, NDArray[np.bool_]] = {}
    for row, mask in masks.items():
        person = people.scans[row].participant
        lesioned[person] = mask | lesioned[person] if person in lesioned else mask
    if not lesioned:
        return None
    grid = standard_grid(RESOLUTION)
    count = np.zeros(grid.shape, dtype=np.int16)
    for mask in lesioned.values():
        count += mask
    return nib.Nifti1Image(count, grid.affine)


def _on_grid(mask: nib.Nifti1Image, grid: Grid) -> nib.Nifti1Image:
    if mask.shape == grid.shape and np.allclose(mask.affine, grid.affine, atol=1e-3):
        return mask
    return resample(mask, grid, order=0)


def _save_overlap(
    count: nib.Nifti1Image, paths: Sequence[Path], settings: Settings, n_people: int
) -> None:
    outputs = Outputs(settings.output_dir, "group", None, datasets=settings.derivatives)
    sidecar = {
        "Description": "Number of people whose lesion holds the voxel",
        "Units": "people",
        "NumberOfPeople": n_people,
        "SpatialReference": f"{settings.processing.space}, {RESOLUTION} mm",
        "Sources": [outputs.uri(path) for path in paths],
    }
    save_image(count, settings.output_dir / FOLDER / "lesion-overlap.nii.gz", sidecar)
