"""Predictions of people whose scores are known, and whose of them count."""

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from motor_bids_app.bids.derived import DerivedScan
from motor_bids_app.errors import DataError
from motor_bids_app.evaluation.external import single_test_set
from motor_bids_app.evaluation.predictions import Predictions
from motor_bids_app.levels.bundles import SavedModel
from motor_bids_app.levels.cohort.outcome import Outcome
from motor_bids_app.levels.cohort.own import with_own_of
from motor_bids_app.levels.cohort.participants import Participants
from motor_bids_app.levels.cohort.targets import label
from motor_bids_app.levels.failures import failure_of
from motor_bids_app.levels.predict.level import predict_scan
from motor_bids_app.levels.predict.prediction import Prediction
from motor_bids_app.levels.validate.outcome import with_outcome
from motor_bids_app.settings import Settings

log = logging.getLogger(__name__)
KNOWN = "the model was trained on a scan of this person"
REFUSED = "unlike the training people: no prediction, because of --outside refuse"
_Row = tuple[str, str | None, str]


@dataclass(frozen=True, kw_only=True)
class Scored:
    """People on whom a model is judged: patients with a score, of whom it knows none.

    Parameters
    ----------
    outcome : Outcome
        What the model predicts.
    predictions : Predictions
        One test set: the mean over scans of each person, and the truth.
    table : DataFrame
        Rows of the tables, with features, of the scans that count, in the order of `scans`.
    y : array, shape (n_scans,)
        Truth of those scans.
    scans : tuple of Prediction
    left_out : DataFrame
        Columns participant_id, session_id, reason.
    failed : int
        How many of them have no prediction because something was missing or went wrong.
    notes : tuple of str
    """

    outcome: Outcome
    predictions: Predictions
    table: pd.DataFrame
    y: Any
    scans: tuple[Prediction, ...]
    left_out: pd.DataFrame
    failed: int
    notes: tuple[str, ...]

    @property
    def people(self) -> pd.DataFrame:
        """First row of each person, in the order of `predictions.people`."""
        first = self.table.groupby("participant_id").first()
        return first.reindex(self.predictions.people.tolist())


def score_people(settings: Settings, model: SavedModel, people: Participants) -> Scored:
    """Predict every patient with a score, and set aside those whom the model knows.

    Raises
    ------
    DataError
        The tables do not have the score, or nobody is left to judge the model on.
    IncompatibleModelError
        The bundle says too little.
    """
    people, outcome, exclusions, notes = with_outcome(people, model.metadata)
    people, said = with_own_of(people, model.metadata["inputs"], settings.predictors)
    labels = label(people, outcome, "exclude", exclusions)
    found, failures = _predict(settings, model, people, labels.rows.tolist())
    left: list[_Row] = [*people.excluded.itertuples(index=False, name=None)]
    left += [*labels.excluded.itertuples(index=False, name=None), *failures]
    known = {one.participant for one in found.values() if one.in_training}
    counted = {}
    for row, one in found.items():
        if one.participant in known:
            left.append((one.participant, one.session, KNOWN))
        elif one.value is None:
            left.append((one.participant, one.session, REFUSED))
        else:
            counted[row] = one
    if not counted:
        raise DataError(_nobody(found, known, failures))
    rows = list(counted)
    values = pd.Series([one.value for one in counted.values()], dtype=np.float64)
    by_person = values.groupby([one.participant for one in counted.values()]).mean()
    truth = labels.truth.reindex(by_person.index)
    return Scored(
        outcome=outcome,
        predictions=single_test_set(np.asarray(by_person, dtype=np.float64), truth),
        table=people.table.iloc[rows].reset_index(drop=True),
        y=labels.y[np.isin(labels.rows, rows)],
        scans=tuple(counted.values()),
        left_out=pd.DataFrame(left, columns=["participant_id", "session_id", "reason"]),
        failed=len(failures),
        notes=(*notes, *said, *labels.notes, *_known_notes(found.values(), known)),
    )


def _predict(
    settings: Settings, model: SavedModel, people: Participants, rows: Sequence[int]
) -> tuple[dict[int, Prediction], list[_Row]]:
    """Predict scans by their rows; list those that failed."""
    found: dict[int, Prediction] = {}
    failures: list[_Row] = []
    for row in rows:
        scan: DerivedScan = people.scans[row]
        try:
            found[row] = predict_scan(model, scan, people.table.iloc[[row]], settings.outside)
        except Exception as error:  # a bug must not take the other people down
            reason = str(failure_of(error, settings.output_dir, f"{scan.prefix}_validate"))
            log.error("%s: %s", scan.prefix, reason)
            failures.append((scan.participant_id, scan.session_id, reason))
    return found, failures


def _known_notes(found: Collection[Prediction], known: set[str]) -> list[str]:
    """Say whom the model knows, or that it cannot be told."""
    notes = []
    if known:
        notes.append(
            f"The model was trained on scans of {len(known)} of these people, who were left out: "
            "on them it would look better than it is."
        )
    if any(one.in_training is None for one in found):
        notes.append(
            "It cannot be checked whether the model was trained on these people, as it or they "
            "have no images: make sure that they are different people."
        )
    return notes


def _nobody(found: Mapping[int, Prediction], known: set[str], failures: Sequence[_Row]) -> str:
    if known:
        return (
            f"All {len(known)} people with a score were used to train the model: validate it on "
            "other people. Its cross-validation is in the experiment that made it."
        )
    if failures:
        return f"None of {len(failures)} scans could be predicted. {failures[0][2]}"
    return f"All {len(found)} people are unlike the training people, and --outside is refuse."
