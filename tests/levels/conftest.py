"""A cohort of fake derivatives in which damage of the left motor tract makes people worse."""

import json
import shutil
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from scipy.ndimage import gaussian_filter

from motor_bids_app.levels.group import level as group
from motor_bids_app.levels.group.explanation.looks import Look
from motor_bids_app.settings import STANDARD_SPACE, ProcessingSettings, Resources, Settings
from motor_bids_app.spaces.grids import standard_grid

GRID = standard_grid(4)
TRACT = (slice(14, 20), slice(24, 30), slice(16, 34))  # voxels that matter, on one side
N_PATIENTS, N_CONTROLS = 20, 6


@dataclass(frozen=True)
class FakeCohort:
    """A dataset with tables, and its derivatives."""

    raw: Path
    output: Path

    def settings(self, level: str, **changes) -> Settings:
        return Settings(bids_dir=self.raw, output_dir=self.output, level=level, **changes)


def smooth(rng, amplitude):
    noise = gaussian_filter(rng.normal(size=GRID.shape), 2)
    return amplitude * noise / noise.std()


def write_scan(output, label, damage, rng, *, control=False, session=None, maps=("fa", "gm")):
    """Save maps, in which `damage` (0 to 1) lowers the tract, and features."""
    home = output / f"sub-{label}"
    prefix = f"sub-{label}"
    if session:
        home, prefix = home / f"ses-{session}", f"{prefix}_ses-{session}"
    names = {
        "fa": ("dwi", "model-tensor_param-fa_dwimap"),
        "gm": ("anat", "label-GM_probseg"),
        "lesion": ("anat", "label-L_mask"),
    }
    for name in maps:
        values = 0.4 + smooth(rng, 0.03)
        values[TRACT] -= 0.2 * damage
        if name == "lesion":
            values = np.zeros(GRID.shape)
            values[TRACT] = rng.uniform(size=values[TRACT].shape) < damage
        folder, ending = names[name]
        (home / folder).mkdir(parents=True, exist_ok=True)
        path = home / folder / f"{prefix}_space-{STANDARD_SPACE}_res-2_{ending}.nii.gz"
        nib.save(nib.Nifti1Image(values.astype(np.float32), GRID.affine), path)
    home.mkdir(parents=True, exist_ok=True)
    features = {
        "lesion_volume": 0 if control else 5 + 40 * damage + rng.normal(0, 1),
        "lesion_side": "none" if control else "left",
        "tract_load": 0 if control else damage,
        "tract_load_weighted": 0 if control else damage**2,
        "fa_corticospinal_tract_left": 0.4 - 0.2 * damage + rng.normal(0, 0.01),
        "fa_corticospinal_tract_right": 0.4 + rng.normal(0, 0.01),
    }
    pd.DataFrame([features]).to_csv(home / f"{prefix}_desc-features.tsv", sep="\t", index=False)


def contents(folder: Path) -> dict[Path, bytes]:
    """All files of a folder."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder): path.read_bytes() for path in files}


def check_on_two_processes(cohort, text, expected, folder, monkeypatch):
    """An experiment gives the files in `expected`, with nothing explained in this process."""
    shutil.copytree(cohort.output, folder / "out", ignore=shutil.ignore_patterns("experiments"))
    again = replace(cohort, output=folder / "out")
    (folder / "again.toml").write_text(text)
    given = {"experiments": (str(folder / "again.toml"),)}
    monkeypatch.setattr(Look, "pack", None)  # of looks that had to be had here
    group.run(again.settings("group", resources=Resources(n_procs=2, device="cpu"), **given))
    found, expected = contents(folder / "out/experiments" / expected.name), contents(expected)
    assert found.keys() == expected.keys()
    assert [path for path in found if found[path] != expected[path]] == []


def describe(folder, **extra):
    folder.mkdir(parents=True, exist_ok=True)
    content = {"Name": "fake", "BIDSVersion": "1.11.0", **extra}
    (folder / "dataset_description.json").write_text(json.dumps(content))


def record_processing(folder, **changes):
    processing = ProcessingSettings(**changes)
    generated = {
        "Name": "motor_bids_app",
        "Version": "0",
        "ProcessingSettings": asdict(processing),
        "ProcessingDigest": processing.digest,
    }
    describe(folder, DatasetType="derivative", GeneratedBy=[generated])


def make_cohort(folder: Path, seed: int = 0, maps=("fa", "gm", "lesion")) -> FakeCohort:
    rng = np.random.default_rng(seed)
    raw, output = folder / "raw", folder / "derivatives"
    describe(raw)
    record_processing(output)
    rows = []
    for number in range(N_PATIENTS + N_CONTROLS):
        control = number >= N_PATIENTS
        damage = 0.0 if control else (number + 0.5) / N_PATIENTS
        label = f"{number + 1:02d}"
        own = tuple(name for name in maps if not (control and name == "lesion"))
        write_scan(output, label, damage, rng, control=control, maps=own)
        rows.append(
            {
                "participant_id": f"sub-{label}",
                "age": int(rng.integers(40, 80)),
                "sex": "FM"[number % 2],
                "group": "control" if control else "patient",
                "time_since_stroke": None if control else int(rng.integers(1, 60)),
                "fma_ue": 66 if control else round(60 * (1 - damage)),
            }
        )
    pd.DataFrame(rows).to_csv(raw / "participants.tsv", sep="\t", index=False, na_rep="n/a")
    dictionary = {"time_since_stroke": {"Units": "months"}}
    (raw / "participants.json").write_text(json.dumps(dictionary))
    return FakeCohort(raw, output)


@pytest.fixture(scope="session")
def fake_cohort(tmp_path_factory) -> FakeCohort:
    """Read only: 20 patients, of whom the worse half is poor, and 6 controls."""
    return make_cohort(tmp_path_factory.mktemp("cohort"))
