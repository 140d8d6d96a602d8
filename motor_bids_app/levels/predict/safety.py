"""How far a prediction for one person may be trusted: limits outside the domain, training people.

For someone unlike the training people no level can be promised, because calibration takes new
people to be like them. The widened set or interval is an honest guess: it is calibrated at a
quarter of the misses (`LEVEL_OUTSIDE`), and the error it allows is stretched by how many times the
person is farther from the mean than `evaluation.domain` allows, since the error of a linear model
grows no faster than that. Where training people are too few for the higher level, a class cannot
be left out at all, and a score has no interval.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from motor_bids_app.bids.derived import DerivedScan
from motor_bids_app.errors import MotorBidsAppError
from motor_bids_app.evaluation.conformal import ANYTHING, Limits
from motor_bids_app.evaluation.cvplus import CvPlus, guaranteed, least_people
from motor_bids_app.evaluation.domain import Finding
from motor_bids_app.features.fingerprints import SealedImages
from motor_bids_app.features.volumes import Volumes
from motor_bids_app.levels.predict.maps import read_maps
from motor_bids_app.levels.predict.prediction import Answered

ANSWERS: dict[str, Answered] = {"widen": "widened", "refuse": "refused", "ignore": "given"}


Answer = tuple[tuple[str, ...] | None, tuple[float, float] | None]


def conformal_answer(
    metadata: Mapping[str, Any],
    value: float,
    told: NDArray[np.float64],
    findings: Sequence[Finding],
) -> Answer:
    """Classes in the set, or interval of the score; the other is None.

    Parameters
    ----------
    told : array, shape (n_folds,)
        What the models of the folds say: limits are those of CV+ where there are some.
    findings : sequence of Finding
        Where the person is outside the domain, to widen by; none for the usual limits.
    """
    stretch = max((finding.distance for finding in findings), default=1.0)
    if "cv_plus" in metadata:
        limits = cv_plus(metadata)
        level = metadata["conformal_outside" if findings else "conformal"]["level"]
        if metadata["classes"] is not None:
            return limits.classes(told, value, level, stretch), None
        return None, limits.interval(told, value, level, stretch)
    return _split_conformal(metadata, value, findings)


def cv_plus(metadata: Mapping[str, Any]) -> CvPlus:
    """Errors of the training people that a bundle keeps."""
    known = metadata["conformal"]
    ends = [known.get(name) for name in ("least", "most")]  # JSON has no infinity
    low, high = (far if end is None else end for end, far in zip(ends, ANYTHING, strict=True))
    return CvPlus.from_json(metadata["cv_plus"], (low, high))


def kind_of_limits(metadata: Mapping[str, Any]) -> str:
    """How limits are made, and what they promise."""
    level = float(metadata["conformal"]["level"])
    if "cv_plus" not in metadata:
        return f"split conformal, {level:.0%}, from out-of-fold errors of other models"
    limits, people = cv_plus(metadata), metadata["cv_plus"]
    n = min(np.unique(limits.truth, return_counts=True)[1], default=len(people["errors"]))
    sure = guaranteed(int(n), len(set(people["folds"])), level)
    return f"CV+, {level:.0%} (at least {sure:.0%} whatever the model; Barber et al. 2021)"


def too_few(metadata: Mapping[str, Any]) -> tuple[str, ...]:
    """Say which classes are in every set, because too few of the training people are of them."""
    if "cv_plus" not in metadata:
        return ()
    limits, level = cv_plus(metadata), float(metadata["conformal"]["level"])
    least = least_people(level)
    if metadata["classes"] is None:
        few = len(limits.errors) < least
        return (f"no interval: it takes {least} training patients",) if few else ()
    return tuple(
        f"{name} is always possible: the training patients were too few to leave it out ({n} "
        f"{name}, and it takes {least})"
        for name, n in limits.never_left_out(level).items()
    )


def _split_conformal(
    metadata: Mapping[str, Any], value: float, findings: Sequence[Finding]
) -> Answer:
    known = metadata["conformal_outside" if findings else "conformal"]
    ends = {"half_width": np.inf, "least": -np.inf, "most": np.inf}  # JSON has no infinity
    ends |= {name: known[name] for name in ends if known.get(name) is not None}
    limits = Limits(known["level"], known["poor"], known["good"], **ends)
    if findings:
        limits = limits.stretched(max(finding.distance for finding in findings))
    if metadata["classes"] is not None:
        return limits.classes(value), None
    return None, limits.interval(value) if np.isfinite(limits.half_width) else None


def was_in_training(
    metadata: Mapping[str, Any],
    scan: DerivedScan,
    row: pd.DataFrame,
    flip: NDArray[np.bool_],
    volumes: Volumes | None,
    others: Sequence[tuple[str, str]] = (),
) -> bool | None:
    """Whether an image of the scan is one that the model was trained on; None if it cannot be told.

    Parameters
    ----------
    volumes : Volumes or None
        Maps of the scan, where they have been read already; doubtful ones are read here.
    others : sequence of (str, str)
        Kind and `content_hash` of what else the model reads of it.
    """
    sealed = SealedImages.from_json(metadata["training"]["images"])
    if not sealed.hashes:
        return None
    if any(sealed.hold(*image) for image in others):
        return True
    if (volumes is None or scan.doubtful) and metadata["inputs"]["maps"]:
        whole = replace(scan, maps=scan.every_map)
        try:
            volumes = read_maps(metadata["inputs"], whole, row, flip, required=False)
        except MotorBidsAppError:
            if volumes is None:
                return None  # a model that reads no maps does without them
    images = volumes.images if volumes else []
    return any(sealed.hold(*image) for image in images) if images else None
