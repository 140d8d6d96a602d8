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
from motor_bids_app.evaluation.conformal import Limits
from motor_bids_app.evaluation.domain import Finding
from motor_bids_app.features.fingerprints import SealedImages
from motor_bids_app.features.volumes import Volumes
from motor_bids_app.levels.predict.maps import read_maps

ANSWERS = {"widen": "widened", "refuse": "refused", "ignore": "given"}


def conformal_answer(
    metadata: Mapping[str, Any], value: float, findings: Sequence[Finding]
) -> tuple[tuple[str, ...] | None, tuple[float, float] | None]:
    """Classes in the set, or interval of the score; the other is None.

    Parameters
    ----------
    findings : sequence of Finding
        Where the person is outside the domain, to widen by; none for the usual limits.
    """
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
