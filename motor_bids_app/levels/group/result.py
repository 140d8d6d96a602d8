"""What the summary of all experiments says of one."""

from dataclasses import dataclass
from pathlib import Path

from motor_bids_app.bids.files import read_json
from motor_bids_app.bids.paths import TRUTH
from motor_bids_app.evaluation.crossvalidation import primary_metric
from motor_bids_app.levels.cohort.cohort import Cohort
from motor_bids_app.levels.cohort.scoring import PATIENTS
from motor_bids_app.levels.group.evaluation import Evaluation

_CEILINGS = {"roc_auc": "bayes_auc", "r2": "bayes_r2"}


@dataclass(frozen=True, kw_only=True)
class Result:
    """One line of the summary: the primary metric of one model of one experiment, in patients.

    `low` and `high` bound the 95 % interval; `ceiling` is the best reachable value, known for
    simulated data.
    """

    experiment: str
    model: str
    metric: str
    value: float
    low: float
    high: float
    noise_floor: float
    ceiling: float | None = None


def results_of(evaluation: Evaluation, ceiling: float | None) -> list[Result]:
    """Return one line for each model of an experiment."""
    metric = primary_metric(evaluation.task)
    table = evaluation.scores.metrics
    shown = table["model"].isin(list(evaluation.setup.models)) & (table["population"] == PATIENTS)
    return [
        Result(
            experiment=evaluation.experiment.name,
            model=str(row["model"]),
            metric=metric,
            value=float(row["value"]),
            low=float(row["low"]),
            high=float(row["high"]),
            noise_floor=float(row["noise_floor"]),
            ceiling=ceiling,
        )
        for row in table[shown & (table["metric"] == metric)].to_dict("records")
    ]


def known_ceiling(bids_dir: Path, cohort: Cohort) -> float | None:
    """Best value of the primary metric that patients allow: known where data are simulated."""
    path, outcome = bids_dir / TRUTH / "truth.json", cohort.outcome
    known = outcome.score.name == "fma_ue" and outcome.task != "ordinal" and not outcome.session
    if not path.is_file() or not known:  # an earlier score tells more than all that is known here
        return None
    truth = read_json(path)
    if outcome.cutoff is not None and outcome.cutoff.value != truth.get("cutoff"):
        return None
    value = truth.get("ceiling", {}).get(PATIENTS, {}).get(_CEILINGS[primary_metric(outcome.task)])
    return float(value) if isinstance(value, int | float) else None
