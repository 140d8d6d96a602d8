"""Derivatives of bold, EEG and EMG, faked: a score is half in each."""

import json

import nibabel as nib
import numpy as np
import pandas as pd

from motor_bids_app.settings import STANDARD_SPACE
from motor_bids_app.spaces.grids import Grid, standard_grid
from motor_bids_app.spaces.templates import load_template

from .conftest import FakeCohort, describe, record_processing

GRID = Grid((31, 37, 31), standard_grid(3).affine @ np.diag([2, 2, 2, 1]))  # 6 mm
BRAIN = np.asarray(load_template("brain", 3).dataobj)[::2, ::2, ::2][:31, :37, :31] > 0
BRAIN[:, :, :12], BRAIN[:, :, 15:] = False, False  # few slices, to be fast
SPOT = (slice(18, 24), slice(16, 22), slice(12, 15))  # of the brain, on the right
EEG, EMG = ("C3", "C4", "Cz"), ("soleus_L", "soleus_R")
RATE, SECONDS, N_WINDOWS = 100.0, 2.0, 3


def write_bold(home, prefix, seen, rng):
    """Save a short series whose mean is brighter in a spot."""
    (home / "func").mkdir(parents=True, exist_ok=True)
    series = 1000 + 30 * rng.normal(size=(*GRID.shape, 2))
    series[SPOT] += 150 * seen
    series *= BRAIN[..., None]
    stem = home / "func" / f"{prefix}_task-rest_space-{STANDARD_SPACE}_res-3"
    nib.save(
        nib.Nifti1Image(series.astype(np.float32), GRID.affine), f"{stem}_desc-preproc_bold.nii"
    )
    nib.save(nib.Nifti1Image(BRAIN.astype(np.uint8), GRID.affine), f"{stem}_desc-brain_mask.nii")


def write_epochs(home, prefix, heard, rng, *, names=None, kinds=("eeg", "emg"), rate=RATE):
    """Save windows in which C3 is stronger than C4."""
    import mne

    for kind in kinds:
        own = (names or {}).get(kind, EEG if kind == "eeg" else EMG)
        data = 1e-5 * rng.normal(size=(N_WINDOWS, len(own), round(SECONDS * rate)))
        if kind == "eeg":
            data[:, 0] *= np.exp(0.5 * heard)
        info = mne.create_info(list(own), rate, kind)
        events = np.column_stack(
            [np.arange(N_WINDOWS) * data.shape[2], np.zeros(N_WINDOWS), np.ones(N_WINDOWS)]
        ).astype(int)
        epochs = mne.EpochsArray(data, info, events, verbose="error")
        (home / kind).mkdir(parents=True, exist_ok=True)
        path = home / kind / f"{prefix}_task-grip_desc-windows_epo.fif"
        epochs.save(path, overwrite=True, verbose="error")


def make_fusion_cohort(folder, n_people, seed=0, no_bold=(), no_signals=()):
    """People whose FMA-LE is half in the bold and half in the EEG."""
    rng = np.random.default_rng(seed)
    raw, output = folder / "raw", folder / "derivatives"
    describe(raw)
    record_processing(output)
    rows = []
    for number in range(n_people):
        label = f"{number + 1:02d}"
        home, prefix = output / f"sub-{label}", f"sub-{label}"
        heard, seen = rng.normal(size=2) + (1 if number % 2 else -1)
        if number not in no_bold:
            write_bold(home, prefix, seen, rng)
        if number not in no_signals:
            write_epochs(home, prefix, heard, rng)
        home.mkdir(exist_ok=True)
        side = "left" if number % 3 else "right"
        features = {
            "lesion_volume": rng.uniform(1, 20),
            "lesion_side": side,
            "eeg_beta_motor_asymmetry": heard + rng.normal(0, 1),
        }
        pd.DataFrame([features]).to_csv(home / f"{prefix}_desc-features.tsv", sep="\t", index=False)
        rows.append(
            {
                "participant_id": prefix,
                "age": int(rng.integers(40, 80)),
                "sex": "FM"[int(rng.integers(2))],
                "group": "patient",
                "time_since_stroke": 3,
                "fma_le": int(np.clip(17.5 + 4 * (heard + seen), 0, 34)),
            }
        )
    pd.DataFrame(rows).to_csv(raw / "participants.tsv", sep="\t", index=False, na_rep="n/a")
    (raw / "participants.json").write_text(json.dumps({"time_since_stroke": {"Units": "months"}}))
    return FakeCohort(raw, output)
