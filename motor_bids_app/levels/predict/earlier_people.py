"""How training patients fared whom models that had not seen them said much the same of."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from motor_bids_app.levels.predict.safety import cv_plus

_FEWEST, _NEAREST = 10, 20  # patients that a sentence is about: fewer would tell of each


def similar(metadata: Mapping[str, Any], value: float | None) -> str:
    """Return how the training patients with the nearest probabilities fared.

    Those are out-of-fold, as a bundle keeps them. Empty of scores, of which it keeps the error
    alone, and where there are too few patients.
    """
    if value is None or metadata["classes"] is None or "cv_plus" not in metadata:
        return ""
    kept = cv_plus(metadata)
    told = np.where(kept.truth == 1, 1 - kept.errors, kept.errors)
    n = min(_NEAREST, len(told) // 3)
    if n < _FEWEST:
        return ""
    nearest = np.argsort(np.abs(told - value), kind="stable")[:n]
    low, high = told[nearest].min(), told[nearest].max()
    return (
        f"Of the {n} training patients with the most similar out-of-fold probabilities ({low:.2f} "
        f"to {high:.2f}), by models that had not seen them, {int(kept.truth[nearest].sum())} had a "
        "poor outcome."
    )


def usual_errors(metadata: Mapping[str, Any]) -> str:
    """Return how far off models were for training patients whom they had not seen, of scores."""
    if metadata["classes"] is not None or "cv_plus" not in metadata:
        return ""
    errors = cv_plus(metadata).errors
    if len(errors) < _FEWEST:
        return ""
    middle, most = np.quantile(errors, (0.5, 0.9))
    ordered = metadata["target"].get("ordered_classes")
    unit = "classes" if ordered else metadata["target"]["unit"]
    return (
        f"For half of the training patients it was off by up to {middle:.3g} {unit}, for 9 of 10 "
        f"by up to {most:.3g} {unit}."
    )
