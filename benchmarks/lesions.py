"""Models of lesions on real people: NIHSS of 243 from their masks alone.

usage: python benchmarks/lesions.py [DATA] [REPEATS]
DATA: the folder of real test data (default: MOTOR_BIDS_TEST_DATA, or ../shared/data).
REPEATS: of 5-fold cross-validation (default: 10).

Features and maps are computed by the app's own functions from masks that are moved to its space.
All models learn ln(1 + NIHSS) on the same splits; nothing is chosen but penalties and variances,
within each training fold. Prints r, R² and the mean error on both scales with 95 % intervals, and
the difference in r from the kernel machine on lesion maps, people resampled in pairs.
"""

import os
import sys
import time
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd

from motor_bids_app.bids.files import load_image
from motor_bids_app.bids.tables.columns import resolve_columns
from motor_bids_app.evaluation.crossvalidation import cross_validate
from motor_bids_app.evaluation.metrics import regression_metrics
from motor_bids_app.evaluation.predictions import Predictions
from motor_bids_app.evaluation.splits import make_splits
from motor_bids_app.evaluation.summary import metrics_table
from motor_bids_app.features.samples import Samples
from motor_bids_app.features.table import feature_row
from motor_bids_app.features.volumes import VolumeStore
from motor_bids_app.levels.cohort.cohort import with_demographics
from motor_bids_app.levels.cohort.maps import MIRROR, brain_grid, experiment_mask, to_flip
from motor_bids_app.levels.participant.anatomy.lesion import GivenLesion
from motor_bids_app.models.catalog import build_model
from motor_bids_app.models.tables.classical import TableRegressor
from motor_bids_app.models.tables.transformed import TransformedRegressor, transformed
from motor_bids_app.mri.disconnection import bundle_shares, trace
from motor_bids_app.spaces.atlases import corticospinal_tract, load_cerebra
from motor_bids_app.spaces.tractograms import load_hcp842

SPACE = "MNI152NLin6Asym"  # SPM's, which the masks are in, by its box and its template
SCORE, SPAN, TRANSFORM = "nihss", (0.0, 42.0), "log1p"
RESOLUTION = 4  # mm, of maps, as the preset "baselines" has it
KERNEL = "kernel, lesions on the right"  # today's: as the preset has it
RESAMPLES = 2000


def measure(data: Path) -> tuple[pd.DataFrame, list[nib.Nifti1Image], float]:
    """Features of everyone with a mask, a score and an age, their masks, and CPU s a person."""
    folder = data / "soop_lesions"
    known = resolve_columns(folder).table
    known = known[known[SCORE].notna() & known["age"].notna()]
    atlas, tract = load_cerebra(2), corticospinal_tract(2)
    connectome = trace(load_hcp842(), atlas)
    rows, masks, spent = [], [], 0.0
    for person in known.to_dict("records"):
        path = folder / "lesions" / f"bwsr{person['participant_id']}_lesion.nii.gz"
        if not path.is_file():
            continue
        given = GivenLesion(load_image(path), path.name, "standard", space=SPACE)
        lesion = given.on_standard_grid()
        start = time.process_time()
        shares = bundle_shares(connectome, connectome.cut_by(lesion))
        spent += time.process_time() - start
        cut = dict(zip(shares["bundle"], shares["share"], strict=True))
        features = feature_row(lesion=lesion, tract=tract, maps={}, atlas=atlas, disconnection=cut)
        rows.append(person | features)
        masks.append(lesion)
    table = with_demographics(pd.DataFrame(rows)).reset_index(drop=True)
    return table, masks, spent / len(rows)


def maps_of(table: pd.DataFrame, masks: list[nib.Nifti1Image], side: str) -> VolumeStore:
    """Lesion maps, those of one side mirrored to the other as an experiment does."""
    store = VolumeStore.empty(len(masks), ("lesion",), brain_grid(RESOLUTION))
    for row, (mask, flip) in enumerate(zip(masks, to_flip(table, side), strict=True)):
        affine = MIRROR @ mask.affine if flip else mask.affine
        store.put(row, "lesion", nib.Nifti1Image(np.asarray(mask.dataobj), affine))
    return store


def ladder(own: Samples, one_sided: Samples) -> dict[str, tuple[object, Samples]]:
    """Models, simplest first, and what each is fitted on."""
    mask = experiment_mask("brain", own.volumes.grid)
    names = ("tract_load", "combined", "disconnection", "lesion_map", "lesion_gp")
    models = {name: (build_model(name, task="regression", mask=mask), own) for name in names}
    kernel = build_model("kernel", task="regression", mask=mask)
    simple = TableRegressor(columns=("age", "sex", "lesion_volume"))
    first = {"volume, age, sex": (simple, own), "tract_load": models.pop("tract_load")}
    both = {KERNEL: (kernel, one_sided), "kernel, as they are": (kernel, own)}
    return {**first, "combined": models.pop("combined"), **both, **models}


def evaluate(table: pd.DataFrame, masks: list[nib.Nifti1Image], repeats: int) -> None:
    """Cross-validate the ladder, and print the table."""
    score = table[SCORE].to_numpy(np.float64)
    truth = pd.Series(score, index=table["participant_id"], name="truth")
    own = Samples(table, maps_of(table, masks, "none").volumes())
    one_sided = Samples(table, maps_of(table, masks, "right").volumes())
    splits = make_splits(list(truth.index), transformed(score, TRANSFORM), repeats=repeats)
    plain, learned = {}, {}
    log_truth = pd.Series(transformed(score, TRANSFORM), truth.index)
    for name, (model, samples) in ladder(own, one_sided).items():
        wrapped = TransformedRegressor(model, TRANSFORM, SPAN)
        found = cross_validate([wrapped], samples, score, splits)
        plain[name] = Predictions.of(found, truth)
        scaled = found.assign(prediction=transformed(found["prediction"], TRANSFORM))
        learned[name] = Predictions.of(scaled, log_truth)
    print_table(plain, learned)


def print_table(plain: dict[str, Predictions], learned: dict[str, Predictions]) -> None:
    """One row per model: metrics on both scales, and the difference in r from the kernel."""
    everyone = {"all": np.ones(len(next(iter(plain.values())).truth), dtype=bool)}
    scales = [metrics_table(one, "regression", 0, everyone) for one in (learned, plain)]
    weights = np.random.default_rng(0).multinomial(
        len(everyone["all"]), everyone["all"] / len(everyone["all"]), RESAMPLES
    )
    drawn = {name: regression_metrics(one, weights)["r"] for name, one in learned.items()}
    columns = ("r", "R²", "MAE", "r (NIHSS)", "R² (NIHSS)", "MAE (NIHSS)", "r - kernel")
    print(f"{'':30s}" + "".join(f"{column:>22s}" for column in columns))
    for name in learned:
        cells = []
        for table in scales:
            one = table[table["model"] == name].set_index("metric")
            cells += [_cell(*one.loc[key, ["value", "low", "high"]]) for key in ("r", "r2", "mae")]
        gap = drawn[name] - drawn[KERNEL]
        r = scales[0][scales[0]["metric"] == "r"].set_index("model")["value"]
        limits = np.quantile(gap, [0.025, 0.975])
        cells.append("" if name == KERNEL else _cell(r[name] - r[KERNEL], *limits))
        print(f"{name:30s}" + "".join(f"{cell:>22s}" for cell in cells))


def _cell(value: float, low: float, high: float) -> str:
    return f"{value:.3f} ({low:.2f}, {high:.2f})"


def main() -> None:
    """Measure, evaluate, print."""
    default = os.environ.get("MOTOR_BIDS_TEST_DATA", Path(__file__).parents[1] / "../shared/data")
    data = Path(sys.argv[1] if len(sys.argv) > 1 else default)
    repeats = int(sys.argv[2]) if len(sys.argv) > 2 else 10
    start = time.process_time()
    table, masks, seconds = measure(data)
    print(
        f"{len(table)} people measured in {time.process_time() - start:.0f} CPU s; what the lesion "
        f"cuts took {1000 * seconds:.0f} ms a person. {repeats} x 5 folds, ln(1 + NIHSS)."
    )
    evaluate(table, masks, repeats)
    print(f"{time.process_time() - start:.0f} CPU s in all")


if __name__ == "__main__":
    main()
