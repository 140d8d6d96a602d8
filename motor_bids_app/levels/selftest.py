"""Try the whole app on a simulated cohort with known truth: demo, and check of an installation."""

import logging
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from motor_bids_app.bids.files import write_text
from motor_bids_app.bids.tables.tsv import read_table
from motor_bids_app.bids.validation import validate
from motor_bids_app.levels.group.result import Result
from motor_bids_app.levels.run import run_level
from motor_bids_app.levels.simulate import level as simulate
from motor_bids_app.levels.simulate.dataset import SimulationSettings
from motor_bids_app.levels.summary import summarise
from motor_bids_app.scratch import scratch_folder
from motor_bids_app.settings import ProcessingSettings, Resources, SelfTest, Settings

log = logging.getLogger(__name__)
N_PATIENTS, N_CONTROLS, N_NEW = 16, 4, 2
VOXEL_SIZE = 3.0  # mm; the coarsest that still shows the anatomy
N_DIRECTIONS = 12  # of diffusion: enough for a tensor, and soon corrected for motion
EXPERIMENT = """\
# The network of karakis2023, narrow and on a coarse grid: it runs, and is far too small to be good.
base = "karakis2023"
name = "karakis2023_small"
description = "A miniature of karakis2023, to show that everything runs."

[inputs]
maps = ["fa", "wm"]
resolution = 4

[model]
rungs = ["prevalence", "tract_load"]
widths = [4, 4, 4, 4, 8, 8, 8]
n_residuals = 1
hidden = 8

[training]
epochs = 2
trainings = 1

[validation]
repeats = 2

[comparisons]
layers = ["svm"]

[explanation]
people_per_test = 2
"""


def run(request: SelfTest, n_procs: int) -> str:
    """Simulate two cohorts, learn on one, predict the other, check all; say what to open.

    Raises
    ------
    OutputError
        The folder has results of an earlier run.
    RuntimeError
        A check failed: this installation, or this version, is broken.
    """
    with _folder(request) as folder:
        cohort = _prepare(folder / "bids", N_PATIENTS, N_CONTROLS, 1, n_procs)
        new = _prepare(folder / "new_people", N_NEW, 0, 2, n_procs)
        derivatives = replace(cohort, output_dir=folder / "derivatives")
        run_level(derivatives)
        experiment = folder / "karakis2023_small.toml"
        write_text(experiment, EXPERIMENT)
        names = ("baselines", str(experiment))
        results = run_level(replace(derivatives, level="group", experiments=names))
        bundle = derivatives.output_dir / "experiments" / "baselines" / "model"
        applied = replace(new, output_dir=folder / "new_derivatives")
        run_level(applied)
        run_level(replace(applied, level="predict", models=(bundle,)))
        _check(derivatives.output_dir, applied.output_dir, results)
        sys.stdout.write(summarise(results) + "\n")
        report = derivatives.output_dir / "group.html"
        if request.folder is None:
            return "All checks passed; with --selftest DIR the results are kept."
        return f"All checks passed. Open {report.resolve()} in a browser."


@contextmanager
def _folder(request: SelfTest) -> Iterator[Path]:
    if request.folder is not None:
        yield request.folder.absolute()
        return
    with scratch_folder("selftest") as folder:
        yield folder


def _prepare(bids_dir: Path, patients: int, controls: int, seed: int, n_procs: int) -> Settings:
    """Simulate a cohort, and return the settings of its participant level."""
    log.info("simulating %d people into %s", patients + controls, bids_dir)
    simulate.run(
        SimulationSettings(
            output_dir=bids_dir,
            n_participants=patients,
            n_controls=controls,
            voxel_size=VOXEL_SIZE,
            n_directions=N_DIRECTIONS,
            seed=seed,
            n_procs=n_procs,
        )
    )
    return Settings(
        bids_dir=bids_dir,
        output_dir=bids_dir.parent,
        level="participant",
        processing=ProcessingSettings(omp_nthreads=1),
        resources=Resources(n_procs=n_procs, device="cpu"),
    )


def _check(derivatives: Path, new: Path, results: Sequence[Result]) -> None:
    """Raise RuntimeError unless the results are what a working installation gives."""
    wrong = [f"{r.model} has AUC {r.value}" for r in results if not 0 <= r.value <= 1]
    for result in results:
        highest = (result.ceiling or 1) + result.noise_floor
        if result.value > highest:  # better than the truth allows: something leaks
            wrong.append(f"{result.model} has AUC {result.value:.2f}, above {highest:.2f}")
    predictions = read_table(new / "predictions" / "baselines" / "predictions.tsv")
    if len(predictions) != N_NEW:
        wrong.append(f"{len(predictions)} of {N_NEW} new people have a prediction")
    for dataset in (derivatives, new):
        validate(dataset)
    if wrong:
        raise RuntimeError("self-test: " + "; ".join(wrong))
