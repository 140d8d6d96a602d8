"""How good out-of-fold predictions are, for the cohort and for any reweighting of it."""

import numpy as np
from numpy.typing import NDArray

from motor_bids_app.evaluation.balanced import shares_by_test_set
from motor_bids_app.evaluation.predictions import Predictions

Floats = NDArray[np.float64]
CLASSIFICATION = (
    "roc_auc",
    "balanced_accuracy",
    "sensitivity",
    "specificity",
    "precision",
    "recall",
    "f1",
    "accuracy",
    "brier",
    "balanced_accuracy_own",
)
REGRESSION = ("r2", "mae", "rmse", "r")
ORDINAL = ("quadratic_kappa", "mae", "accuracy")
LOWER_IS_BETTER = frozenset({"brier", "mae", "rmse"})


def classification_metrics(
    predictions: Predictions, weights: Floats | None = None
) -> dict[str, Floats]:
    """Metrics of class predictions, expected of one fitted model, averaged over repeats.

    The AUC is the share of (poor, good) pairs put in the right order among the pairs that the
    same fitted model predicted. Pairs across folds would compare the outputs of two models,
    which pulls the AUC of weak models below 0.5 (Forman and Scholz 2010, SIGKDD Explor. 12:49).
    Poor is called at a probability of 0.5 or more, but for "balanced_accuracy_own" at the
    thresholds of the predictions, where they have some. Balanced accuracies are of the same
    models on either class (`shares_by_test_set`): where test sets have unlike shares of poor
    people, they are not the mean of the sensitivity and the specificity of all people together.
    Precision and F1 are 0 when nobody is called poor.

    Parameters
    ----------
    predictions : Predictions
        Probabilities of the poor class.
    weights : array, shape (B, n), optional
        How often each person counts, in each of B resamples.

    Returns
    -------
    dict of array, shape (B,)
        By the names in `CLASSIFICATION`; NaN in a resample that lacks a class.
    """
    weights = np.ones((1, len(predictions.truth))) if weights is None else weights
    poor = predictions.truth == 1
    tested = predictions.folds > 0
    called = np.where(tested, predictions.values >= 0.5, 0).sum(axis=0)  # times called poor
    times = tested.sum(axis=0)
    error = np.where(tested, (predictions.values - predictions.truth) ** 2, 0).sum(axis=0)
    tp, fn = weights @ (poor * called), weights @ (poor * (times - called))
    fp, tn = weights @ (~poor * called), weights @ (~poor * (times - called))
    total = tp + fn + fp + tn
    sensitivity, specificity = _ratio(tp, tp + fn), _ratio(tn, tn + fp)
    nobody = tp + fp == 0
    return {
        "roc_auc": pairwise_auc(predictions, weights),
        "balanced_accuracy": _balanced_accuracy(predictions, weights, 0.5),
        "sensitivity": sensitivity,
        "specificity": specificity,
        "precision": np.where(nobody, 0.0, _ratio(tp, tp + fp)),
        "recall": sensitivity,
        "f1": _ratio(2 * tp, 2 * tp + fp + fn),
        "accuracy": _ratio(tp + tn, total),
        "brier": _ratio(weights @ error, total),
        "balanced_accuracy_own": _balanced_accuracy(
            predictions, weights, own_thresholds(predictions)
        ),
    }


def _balanced_accuracy(predictions: Predictions, weights: Floats, limits: Floats | float) -> Floats:
    sensitivity, specificity = shares_at(predictions, weights, limits)
    return np.asarray((sensitivity + specificity) / 2)


def shares_at(
    predictions: Predictions, weights: Floats, limits: Floats | float
) -> tuple[Floats, Floats]:
    """Sensitivity and specificity at thresholds, each test set alike, shape (B,) each.

    See `shares_by_test_set`; `weights` have the shape (B, n), `limits` one that fits (R, n).
    """
    poor = predictions.truth == 1
    right = (predictions.values >= limits) == poor
    return shares_by_test_set(right, poor, predictions.folds, weights)


def own_thresholds(predictions: Predictions) -> Floats | float:
    """Thresholds of the predictions, or 0.5."""
    return 0.5 if predictions.thresholds is None else predictions.thresholds


def ordered_pairs(predictions: Predictions) -> tuple[Floats, Floats]:
    """Count how often each pair shared a fitted model, and was put in the right order.

    Returns
    -------
    right, pairs : array, shape (n_poor, n_good)
        Sums over repeats; a tie is half right.
    """
    poor = predictions.truth == 1
    right = np.zeros((poor.sum(), (~poor).sum()))
    pairs = np.zeros_like(right)
    for values, folds in zip(predictions.values, predictions.folds, strict=True):
        ours, theirs = folds[poor][:, None], folds[~poor][None]
        same_model = (ours == theirs) & (ours > 0)
        gap = values[poor][:, None] - values[~poor][None]
        right += np.where(same_model, (gap > 0) + 0.5 * (gap == 0), 0)
        pairs += same_model
    return right, pairs


def pairwise_auc(predictions: Predictions, weights: Floats) -> Floats:
    """AUC over the pairs that share a fitted model, in resamples of shape (B, n), shape (B,)."""
    poor = predictions.truth == 1
    right, pairs = ordered_pairs(predictions)
    ordered = ((weights[:, poor] @ right) * weights[:, ~poor]).sum(axis=1)
    return _ratio(ordered, ((weights[:, poor] @ pairs) * weights[:, ~poor]).sum(axis=1))


def regression_metrics(
    predictions: Predictions, weights: Floats | None = None
) -> dict[str, Floats]:
    """Metrics of score predictions, expected of one fitted model, averaged over repeats.

    R² compares with the cohort's mean, so it is negative when a model is worse than that. The
    correlation is taken within folds, since the means that folds learned differ by chance in
    the wrong direction; predictions that do not vary have a correlation of 0. Where no fold has
    two people whose scores differ, as when each person is tested alone, it is not defined: NaN.

    Parameters
    ----------
    predictions : Predictions
        Predicted scores.
    weights : array, shape (B, n), optional
        How often each person counts, in each of B resamples.

    Returns
    -------
    dict of array, shape (B,)
        By the names in `REGRESSION`; mae and rmse in units of the score.
    """
    weights = np.ones((1, len(predictions.truth))) if weights is None else weights
    truth, tested = predictions.truth, predictions.folds > 0
    error = np.where(tested, predictions.values - truth, 0)
    times = weights @ tested.sum(axis=0)
    mse = _ratio(weights @ (error**2).sum(axis=0), times)
    mean = _ratio(weights @ truth, weights.sum(axis=1))
    variance = _ratio(weights @ truth**2, weights.sum(axis=1)) - mean**2
    return {
        "r2": 1 - _ratio(mse, variance),
        "mae": _ratio(weights @ np.abs(error).sum(axis=0), times),
        "rmse": np.sqrt(mse),
        "r": _within_fold_correlation(predictions, weights),
    }


def ordinal_metrics(predictions: Predictions, weights: Floats | None = None) -> dict[str, Floats]:
    """Metrics of ordered classes, averaged over repeats; the class is the nearest whole number.

    Kappa with quadratic weights (Cohen 1968) is 1 minus the mean squared error over the one
    that the same classes give when they are dealt out anew: 0 is guessing by shares, 1 no error.

    Parameters
    ----------
    predictions : Predictions
        Expected class numbers, and the true ones.
    weights : array, shape (B, n), optional
        How often each person counts, in each of B resamples.

    Returns
    -------
    dict of array, shape (B,)
        By the names in `ORDINAL`; mae in classes.
    """
    weights = np.ones((1, len(predictions.truth))) if weights is None else weights
    found: dict[str, list[Floats]] = {name: [] for name in ORDINAL}
    for values, folds in zip(predictions.values, predictions.folds, strict=True):
        tested = folds > 0
        if not tested.any():
            continue
        w, truth = weights[:, tested], predictions.truth[tested]
        called = np.floor(values[tested] + 0.5)  # halves upwards, and not to even numbers
        total = w.sum(axis=1)

        def mean(x: Floats, w: Floats = w, total: Floats = total) -> Floats:
            return _ratio(w @ x, total)

        error, mean_called, mean_truth = mean((called - truth) ** 2), mean(called), mean(truth)
        by_chance = mean(called**2) + mean(truth**2) - 2 * mean_called * mean_truth
        kappa = 1 - _ratio(error, by_chance)
        found["quadratic_kappa"].append(np.round(kappa, 12))  # exactly 0 for one class for all
        found["mae"].append(mean(np.abs(called - truth)))
        found["accuracy"].append(mean((called == truth).astype(np.float64)))
    return {name: np.asarray(np.mean(values, axis=0)) for name, values in found.items()}


def _within_fold_correlation(predictions: Predictions, weights: Floats) -> Floats:
    """Pearson correlation of deviations from fold means, averaged over repeats, shape (B,).

    NaN in a resample where the truth varies within no fold of any repeat.
    """
    total_r, defined = np.zeros(len(weights)), np.zeros(len(weights))
    least = 1e-9 * len(predictions.truth) * float(predictions.truth.var())
    for values, folds in zip(predictions.values, predictions.folds, strict=True):
        covariance = spread = truth_spread = np.zeros(len(weights))
        for fold in np.unique(folds[folds > 0]):
            members = folds == fold
            w, p, t = weights[:, members], values[members], predictions.truth[members]
            p, t = p - p.mean(), t - t.mean()  # keeps the sums of squares below accurate
            total = np.maximum(w.sum(axis=1), 1e-12)
            covariance = covariance + w @ (p * t) - (w @ p) * (w @ t) / total
            spread = spread + w @ p**2 - (w @ p) ** 2 / total
            truth_spread = truth_spread + w @ t**2 - (w @ t) ** 2 / total
        product = spread * truth_spread
        constant = product <= 1e-12 * max(1.0, float(np.abs(truth_spread).max())) ** 2
        varies = truth_spread > least
        r = np.where(constant, 0, covariance / np.sqrt(np.where(constant, 1, product)))
        total_r, defined = total_r + np.where(varies, r, 0), defined + varies
    return _ratio(total_r, defined)


def _ratio(numerator: Floats, denominator: Floats) -> Floats:
    """Quotient; NaN where there is nothing to divide by."""
    usable = denominator > 0
    return np.where(usable, numerator / np.where(usable, denominator, 1), np.nan)
