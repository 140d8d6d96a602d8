"""Permutation test of a model that has to be trained anew for every permutation."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from motor_bids_app.evaluation.crossvalidation import cross_validate, metrics_for, primary_metric
from motor_bids_app.evaluation.fitting import Fit, fit_in_turn
from motor_bids_app.evaluation.permutation import PermutationTest, exchangeable
from motor_bids_app.evaluation.predictions import Predictions
from motor_bids_app.evaluation.splits import COLUMNS, make_splits
from motor_bids_app.features.samples import Samples

CHANCE = {"classification": 0.5, "regression": 0.0, "ordinal": 0.0}


def refitting_test(
    model: Any,
    samples: Samples,
    truth: "pd.Series[float]",
    *,
    task: str,
    controls: NDArray[np.bool_],
    n_permutations: int,
    folds: int,
    seed: int,
    test_sets: Sequence[NDArray[np.intp]] | None = None,
    sites: NDArray[Any] | None = None,
    progress: Callable[[int], None] | None = None,
    fit: Fit = fit_in_turn,
) -> PermutationTest:
    """Deal labels out anew among the patients of a site, and cross-validate the model each time.

    All samples of a person, and all instances of them, get the same label. Controls train, keep
    their labels, and are not judged. Test sets are drawn once, spread over patients and controls
    but blind to labels, so that labels as they are and permuted ones meet the same procedure.

    Parameters
    ----------
    model : estimator
    samples : Samples
    truth : Series, shape (n_people,)
        Class or score by participant.
    controls : bool array, shape (n_people,)
    n_permutations, folds, seed : int
    test_sets : sequence of int array, optional
        Positions in `truth` tested together, instead of those drawn: sites that are left out.
    sites : array, shape (n_people,), optional
        Where each person was examined.
    progress : callable, optional
        Told the number of permutations done.
    fit : callable
        See `cross_validate`.
    """
    names = [str(person) for person in truth.index]
    if test_sets is None:
        splits = _blind_splits(names, controls, folds, seed)
    else:
        splits = pd.DataFrame(
            [(1, k, names[i]) for k, test in enumerate(test_sets, start=1) for i in test],
            columns=COLUMNS,
        )
    generator = np.random.default_rng(seed)
    values: NDArray[Any] = truth.to_numpy(
        dtype=np.int64 if task == "classification" else np.float64
    )
    found = []
    for number in range(n_permutations + 1):
        dealt = pd.Series(values.copy(), index=names)
        if number:
            for members in exchangeable(controls, sites, test_sets):
                dealt.iloc[members] = generator.permutation(values[members])
        y = dealt.loc[samples.participants.tolist()].to_numpy()
        table = cross_validate([model], samples, y, splits, fit=fit)
        predictions = Predictions.of(table, dealt.astype(np.float64)).of_people(~controls)
        value = float(metrics_for(task)(predictions)[primary_metric(task)][0])
        # No test set holds both classes: nothing is told apart, which is chance.
        found.append(value if np.isfinite(value) else CHANCE[task])
        if progress is not None:
            progress(number)
    return PermutationTest(found[0], np.array(found[1:]))


def _blind_splits(
    names: list[str], controls: NDArray[np.bool_], folds: int, seed: int
) -> pd.DataFrame:
    """Test sets of one repeat, spread over patients and controls but blind to labels."""
    n_patients = int((~controls).sum())
    return make_splits(
        names,
        controls.astype(np.int64),
        folds=min(folds, max(2, n_patients // 2)),
        repeats=1,
        seed=seed,
    )
