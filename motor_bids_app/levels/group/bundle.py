"""Model bundles of this app, saved: one folder, with all that is said about the model."""

import math
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from motor_bids_app import __version__
from motor_bids_app.evaluation.conformal import LEVEL, LEVEL_OUTSIDE, Limits, conformal_limits
from motor_bids_app.experiments.schema import Experiment
from motor_bids_app.levels.bundles import processing_record
from motor_bids_app.levels.cohort.cohort import Cohort
from motor_bids_app.levels.cohort.instances import described_signals
from motor_bids_app.levels.cohort.maps import brain_grid
from motor_bids_app.levels.cohort.outcome import Outcome
from motor_bids_app.levels.cohort.own import described_predictors
from motor_bids_app.levels.cohort.scoring import of_patients
from motor_bids_app.levels.cohort.training_people import describe_people
from motor_bids_app.levels.group.answering import answer
from motor_bids_app.levels.group.evaluation import Evaluation
from motor_bids_app.levels.group.folds import FoldModels
from motor_bids_app.models.store import save_bundle
from motor_bids_app.settings import Settings


def save_model(
    folder: Path, members: Sequence[Any], metadata: Mapping[str, Any], folds: FoldModels | None
) -> None:
    """Write a fitted model with those of its folds, replacing what is there."""
    for part in ("members", "folds"):
        shutil.rmtree(folder / part, ignore_errors=True)
    for number, member in enumerate(members[1:], start=2):
        save_bundle(folder / "members" / f"{number:02d}", member, {"member": number})
    for number, model in enumerate(folds.models if folds else (), start=1):
        save_bundle(folder / "folds" / f"{number:02d}", model, {"fold": number})
    kept = {} if folds is None else {"cv_plus": _plain(folds.limits.as_json())}
    save_bundle(folder, members[0], {**metadata, **kept, "members": len(members)})


def describe_model(settings: Settings, evaluation: Evaluation) -> dict[str, Any]:
    """All that a bundle says about the model: what it needs, how good it is, on whom it learned.

    No participant is named, and there is no date: the same run gives the same bytes.
    """
    experiment, cohort, outcome = (
        evaluation.experiment,
        evaluation.cohort,
        evaluation.cohort.outcome,
    )
    metrics = evaluation.scores.metrics
    final = metrics[metrics["model"] == evaluation.final]
    return {
        "software": {"name": "motor_bids_app", "version": __version__},
        "experiment": experiment.name,
        "model": evaluation.final,
        "task": outcome.task,
        "target": _target(experiment, outcome),
        "classes": ["good", "poor"] if outcome.cutoff else None,
        "inputs": _inputs(settings, experiment, cohort),
        "processing": processing_record(settings.output_dir),
        "verdict": answer(evaluation).verdict,
        "performance": _plain(final.drop(columns="model").to_dict("records")),
        "conformal": _plain(vars(_limits(evaluation, LEVEL))),
        "conformal_outside": _plain(vars(_limits(evaluation, LEVEL_OUTSIDE))),
        "validation": _plain(vars(experiment.validation)),
        "training": _plain(describe_people(cohort, evaluation.final)),
        "random_seed": settings.processing.random_seed,
    }


def _target(experiment: Experiment, outcome: Outcome) -> dict[str, Any]:
    """What is predicted."""
    score, cutoff, transform = outcome.score, outcome.cutoff, experiment.target.transform
    within = experiment.target.within
    return {
        "score": score.name,
        "title": score.title,
        "unit": outcome.unit,
        "ordered_classes": list(outcome.classes),
        "thresholds": list(outcome.thresholds),
        "comparison": cutoff.comparison if cutoff else None,
        "threshold": cutoff.value if cutoff else None,
        "source": cutoff.source if cutoff else None,
        "range": [score.minimum, score.maximum] if outcome.task == "regression" else None,
        "text": outcome.text,
        "controls": experiment.target.controls,
        **({"transform": transform} if transform != "none" else {}),
        **({"session": outcome.session} if outcome.session else {}),
        **({"within": list(within)} if within else {}),
        **({"outcome": _source(outcome)} if outcome.source else {}),
        **({"component": asdict(experiment.component)} if experiment.component.columns else {}),
    }


def _source(outcome: Outcome) -> dict[str, Any]:
    """The score whose change, or recovered share, is predicted."""
    score = outcome.source
    assert score is not None
    return {"kind": outcome.kind, "score": score.name, "title": score.title, "unit": score.unit}


def _inputs(settings: Settings, experiment: Experiment, cohort: Cohort) -> dict[str, Any]:
    """What the model reads."""
    seen = cohort.maps or cohort.samples.instances
    grid = brain_grid(experiment.inputs.resolution) if seen else None
    return {
        "space": settings.processing.space,
        "resolution": experiment.inputs.resolution,
        "maps": list(cohort.maps),
        "mask": experiment.inputs.mask,
        "mirror_lesion_to": experiment.inputs.mirror_lesion_to,
        "baseline_score": experiment.inputs.baseline_score,
        **({"session": experiment.inputs.session} if experiment.inputs.session else {}),
        "columns": described_predictors(cohort.own),
        "grid": None
        if grid is None
        else {"shape": list(grid.shape), "affine": grid.affine.tolist()},
        **described_signals(cohort.samples),
    }


def _limits(evaluation: Evaluation, level: float) -> Limits:
    """Split-conformal limits of the final model alone at a level; see `cvplus` for the others."""
    cohort, final = evaluation.cohort, evaluation.final
    predictions = of_patients({final: evaluation.tables[final]}, cohort)[final]
    return conformal_limits(predictions, cohort.outcome.task, level, cohort.outcome.span)


def _plain(value: Any) -> Any:
    """What JSON can hold: numbers of numpy as Python's, missing ones as null."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
