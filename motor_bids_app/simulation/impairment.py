"""Motor impairment as a known function of damage and age, plus known noise."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from motor_bids_app.simulation.damage import Damage

HIGHEST = 66  # points, FMA-UE
POOR_BELOW = 27
NOISE = 15.0  # points, standard deviation of patients' scores around the clean score
COEFFICIENTS = {
    "intercept": 60.0,
    "degeneration": -32.0,  # from an intact to a fully degenerated tract
    "sqrt_tract_load": -22.0,
    "log1p_lesion_volume_ml": -2.0,
    "decades_above_60_years": -2.0,
}
RECOVERY = 0.35  # part of the lost points that an intact tract wins back between sessions
_CONTROL_WEIGHTS = np.array([1, 1, 2, 3, 5, 9, 14], dtype=np.float64)  # of scores 60 to 66


def clean_score(damage: Damage, age: float, *, recovered: bool = False) -> float:
    """FMA-UE expected before noise, in points; not bounded.

    Parameters
    ----------
    damage : Damage
        Of a patient.
    age : float
        Years.
    recovered : bool
        After rehabilitation, which helps the more, the less the tract has degenerated.
    """
    score = COEFFICIENTS["intercept"]
    score += COEFFICIENTS["degeneration"] * damage.degeneration
    score += COEFFICIENTS["sqrt_tract_load"] * np.sqrt(damage.tract_load)
    score += COEFFICIENTS["log1p_lesion_volume_ml"] * np.log1p(damage.lesion_volume)
    score += COEFFICIENTS["decades_above_60_years"] * (age - 60) / 10
    if recovered:
        score += RECOVERY * (1 - damage.degeneration) * max(HIGHEST - score, 0)
    return float(score)


def score_distribution(clean: NDArray[np.floating]) -> NDArray[np.float64]:
    """Probability of each score from 0 to 66 given clean scores, shape (n, 67).

    The observed score is the clean one plus Gaussian noise, rounded and bounded. A
    missing clean score (NaN) stands for a control.
    """
    clean = np.asarray(clean, dtype=np.float64)
    limits = np.arange(HIGHEST) + 0.5
    below = ndtr((limits - clean[:, None]) / NOISE)
    ends = np.zeros((len(clean), 1)), np.ones((len(clean), 1))
    distribution = np.diff(np.hstack([ends[0], below, ends[1]]), axis=1)
    control = np.zeros(HIGHEST + 1)
    control[-len(_CONTROL_WEIGHTS) :] = _CONTROL_WEIGHTS / _CONTROL_WEIGHTS.sum()
    return np.where(np.isnan(clean)[:, None], control, distribution)


def draw_scores(clean: NDArray[np.floating], rng: np.random.Generator) -> NDArray[np.int64]:
    """Draw one observed score, 0 to 66, for each clean score."""
    cumulative = score_distribution(clean).cumsum(axis=1)
    drawn = rng.random((len(cumulative), 1)) * cumulative[:, -1:]
    return (cumulative < drawn).sum(axis=1)
