"""The result of an experiment, as its headline needs it."""

from typing import Any

import pandas as pd

from motor_bids_app.evaluation.audit import FAILED, WARNING
from motor_bids_app.evaluation.crossvalidation import primary_metric
from motor_bids_app.levels.cohort.scoring import PATIENTS
from motor_bids_app.levels.group.evaluation import Evaluation
from motor_bids_app.reports.experiment.answer import Answer


def answer(evaluation: Evaluation) -> Answer:
    """Result of the final model in patients, beside the best of the simpler ones."""
    task, final, scores = evaluation.task, evaluation.final, evaluation.scores
    metric, table = primary_metric(task), scores.metrics
    row = table[
        (table["model"] == final) & (table["population"] == PATIENTS) & (table["metric"] == metric)
    ].iloc[0]
    return Answer(
        model=final,
        metric=metric,
        n_people=int(row["n_people"]),
        n_patients=int(evaluation.cohort.patients.sum()),
        n_least_class=_least_class(row),
        value=float(row["value"]),
        low=float(row["low"]),
        high=float(row["high"]),
        chance=0.5 if task == "classification" else 0.0,
        noise_floor=float(row["noise_floor"]),
        **_against_simpler(evaluation),
        **_against_chance(evaluation),
        **_among_scores(evaluation),
        failed=_overruled(evaluation.setup.audit),
        nuisance_as_good=_warned(evaluation.setup.audit, "nuisance-rung"),
    )


def _least_class(row: "pd.Series[Any]") -> int | None:
    """Tested patients of the rarer class; None of a score."""
    if pd.isna(row["n_poor"]):
        return None
    return int(min(row["n_poor"], row["n_people"] - row["n_poor"]))


def _overruled(audit: pd.DataFrame) -> tuple[str, ...]:
    """Names of the checks that failed, and did not stop the experiment because of --allow."""
    return tuple(audit.loc[audit["state"] == FAILED, "name"])


def _warned(audit: pd.DataFrame, name: str) -> bool:
    """Whether a check of the audit gave a warning."""
    return bool((audit.loc[audit["name"] == name, "state"] == WARNING).any())


def _against_simpler(evaluation: Evaluation) -> dict[str, Any]:
    """Fields of `Answer` on the best of the simpler models."""
    compared = evaluation.scores.comparisons
    compared = compared[compared["model"] == evaluation.final]
    if compared.empty:
        return {}
    difference = compared.iloc[0]
    return {
        "best_baseline": str(difference["reference"]),
        "difference": float(difference["difference"]),
        "difference_low": float(difference["low"]),
        "difference_high": float(difference["high"]),
        **{
            name: float(difference[name])
            for name in ("p_value", "p_holm")
            if pd.notna(difference[name])
        },
    }


def _against_chance(evaluation: Evaluation) -> dict[str, Any]:
    """Fields of `Answer` on permuted labels."""
    test = evaluation.scores.chance.get(evaluation.final)
    if test is None:
        return {}
    return {
        "chance_p": test.p_value,
        "n_permutations": len(test.null),
        "stand_in": test.stand_in,
    }


def _among_scores(evaluation: Evaluation) -> dict[str, Any]:
    """Fields of `Answer` on the same tests, corrected for the number of scores."""
    among = evaluation.among
    if among is None:
        return {}
    return {
        "n_scores": among.n_scores,
        "chance_p_scores": among.chance_p,
        "difference_p_scores": among.difference_p,
    }
