"""How many people the questions of an experiment need, beside how many there are."""

import numpy as np
import pandas as pd

from motor_bids_app.evaluation.planning import (
    CORRELATION,
    people_for_classes,
    people_for_scores,
    people_to_tell_apart,
    smallest_difference,
)
from motor_bids_app.levels.cohort.cohort import Cohort
from motor_bids_app.levels.cohort.scoring import PATIENTS
from motor_bids_app.levels.group.evaluation import Evaluation
from motor_bids_app.models.catalog import needs

COLUMNS = ["model", "n_parameters", "n_people", "n_needed"]


def sample_size_table(cohort: Cohort, evaluation: Evaluation) -> pd.DataFrame:
    """Patients that Riley's criteria ask for, for models of few columns: columns `COLUMNS`."""
    truth = cohort.labels.truth[cohort.patients]
    share = float(np.mean(truth))
    rows = []
    for model in evaluation.models:
        needed = needs(model)
        if needed.columns and not needed.pattern and not needed.volumes:
            n_parameters = len(needed.columns)
            people = (
                people_for_scores(n_parameters)
                if cohort.outcome.cutoff is None
                else people_for_classes(n_parameters, share)
            )
            rows.append((model, n_parameters, len(truth), people))
    return pd.DataFrame(rows, columns=COLUMNS)


def planning_sentences(cohort: Cohort, evaluation: Evaluation) -> tuple[str, ...]:
    """Say which AUCs these patients tell apart, and how many the difference found would need."""
    if cohort.outcome.cutoff is None:
        return ()
    table = evaluation.metrics
    chosen = table[(table["population"] == PATIENTS) & (table["metric"] == "roc_auc")]
    tested = chosen[chosen["model"] == evaluation.final].iloc[0]
    n_poor, n = int(tested["n_poor"]), int(tested["n_people"])
    aucs = dict(zip(chosen["model"], chosen["value"].to_numpy(np.float64), strict=True))
    ours = aucs[evaluation.final]
    difference = smallest_difference(ours, n_poor, n - n_poor)
    sentences = [
        f"With {n} patients, {n_poor} of them poor, AUCs that differ by less than {difference:.2f} "
        f"cannot be told apart around {ours:.2f} (Hanley and McNeil; errors of two models in the "
        f"same patients taken to correlate by {CORRELATION:g})."
    ]
    compared = evaluation.comparisons[evaluation.comparisons["model"] == evaluation.final]
    if len(compared):
        theirs = aucs[compared["reference"].iloc[0]]
        if round(ours, 2) != round(theirs, 2) and min(ours, theirs) > 0 and max(ours, theirs) < 1:
            people = people_to_tell_apart(theirs, ours, n_poor / n)
            sentences.append(
                f"To tell {theirs:.2f} from {ours:.2f} (best simpler model and final model) in 80 "
                f"of 100 studies takes about {people:,} patients of this mix.".replace(",", " ")
            )
    return tuple(sentences)
