"""Derivatives of bold, faked: clean series on a coarse grid, the seed, and maps of connectivity."""

import json

import nibabel as nib
import numpy as np
import pandas as pd
from scipy.ndimage import gaussian_filter

from motor_bids_app.features.connectivity import static_map
from motor_bids_app.features.seeds import LEFT_M1, sphere
from motor_bids_app.settings import STANDARD_SPACE
from motor_bids_app.spaces.grids import Grid, standard_grid
from motor_bids_app.spaces.templates import load_template

from .conftest import FakeCohort, describe, record_processing

_FINE = standard_grid(4)
GRID = Grid((23, 28, 23), _FINE.affine @ np.diag([2, 2, 2, 1]))  # 8 mm
BRAIN = (
    gaussian_filter(np.asarray(load_template("brain", 4).dataobj, float), 1)[::2, ::2, ::2] > 0.3
)
VOLUMES, WINDOW = 36, 10


def write_bold(output, label, side, pattern, rng, lesion=None):
    """Save what the participant level leaves of a series; returns the time course of the seed."""
    folder = output / f"sub-{label}" / "func"
    folder.mkdir(parents=True, exist_ok=True)
    seed = sphere(GRID, LEFT_M1, 9) & BRAIN
    if side == "right":
        seed, pattern = seed[::-1], pattern[::-1]
    inside = BRAIN if lesion is None else BRAIN & ~lesion
    course = gaussian_filter(rng.normal(size=VOLUMES), 1)
    course = course / course.std()
    noise = gaussian_filter(rng.normal(size=(*GRID.shape, VOLUMES)), (1, 1, 1, 0))
    series = pattern[..., None] * course + noise / noise.std()
    series[seed] += 2 * course
    series = (series * inside[..., None]).astype(np.float32)
    stem = f"sub-{label}_task-rest_space-{STANDARD_SPACE}_res-3"
    nib.save(nib.Nifti1Image(series, GRID.affine), folder / f"{stem}_desc-denoised_bold.nii")
    mean = series[seed & inside].mean(axis=0)
    static = np.zeros(GRID.shape, np.float32)
    static[inside] = static_map(series[inside].T, mean.astype(float))
    sidecar = {
        "SeedHemisphere": side,
        "RepetitionTime": 2.0,
        "WindowVolumes": WINDOW,
        "WindowTaperVolumes": 0.0,
        "LeftOutVolumes": [],
    }
    for ending, values in (
        ("label-M1_mask", (seed & inside).astype(np.uint8)),
        ("seed-M1_stat-fisherz_desc-fc_boldmap", static),
    ):
        nib.save(nib.Nifti1Image(values, GRID.affine), folder / f"{stem}_{ending}.nii.gz")
        (folder / f"{stem}_{ending}.json").write_text(json.dumps(sidecar))
    return mean


def make_bold_cohort(folder, n_people, effect, seed=0, without=(), apart=0.4):
    """People of whom every second is severe, and has `effect` more coupling with right M1.

    Each has an own pattern, whose strength is `apart`.
    """
    rng = np.random.default_rng(seed)
    raw, output = folder / "raw", folder / "derivatives"
    describe(raw)
    record_processing(output)
    other = sphere(GRID, (-LEFT_M1[0], *LEFT_M1[1:]), 20)
    rows = []
    for number in range(n_people):
        severe = number % 2 == 1
        label, side = f"{number + 1:02d}", "left" if number % 4 < 2 else "right"
        own = gaussian_filter(rng.normal(size=GRID.shape), 2)
        pattern = apart * own / own.std() + effect * severe * other
        if number not in without:
            write_bold(output, label, side, pattern, rng)
        home = output / f"sub-{label}"
        home.mkdir(exist_ok=True)
        features = pd.DataFrame([{"lesion_volume": rng.uniform(1, 20), "lesion_side": side}])
        features.to_csv(home / f"sub-{label}_desc-features.tsv", sep="\t", index=False)
        rows.append(
            {
                "participant_id": f"sub-{label}",
                "age": int(rng.integers(40, 80)),
                "sex": "FM"[int(rng.integers(2))],
                "group": "patient",
                "time_since_stroke": int(rng.integers(1, 60)),
                "fma_ue": 10 if severe else 40,
            }
        )
    pd.DataFrame(rows).to_csv(raw / "participants.tsv", sep="\t", index=False, na_rep="n/a")
    (raw / "participants.json").write_text(json.dumps({"time_since_stroke": {"Units": "months"}}))
    return FakeCohort(raw, output)
