"""Motor impairment as a known function of damage and age, plus known noise."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from motor_bids_app.simulation.damage import Damage

HIGHEST, HIGHEST_LEG = 66, 34  # points, FMA-UE and FMA-LE
POOR_BELOW = 27
NOISE = 15.0  # points, standard deviation of patients' scores around the clean score
COEFFICIENTS = {
    "intercept": 60.0,
    "degeneration": -32.0,  # from an intact to a fully degenerated tract
    "sqrt_tract_load": -22.0,
    "log1p_lesion_volume_ml": -2.0,
    "decades_above_60_years": -2.0,
}
# Of clean scores before rehabilitation, over all patients that can be drawn.
CLEAN_MEAN, CLEAN_SPREAD = 34.0, 17.5  # points
LATER_NOISE = 4.0  # points, standard deviation of later scores around what is won back
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


def won_back(first: float, share: float) -> float:
    """FMA-UE expected after proportional recovery, in points.

    Parameters
    ----------
    first : float
        Score at baseline, as it was observed.
    share : float
        Of the lost points that everybody wins back.
    """
    return first + share * (HIGHEST - first)


def mixed_score(clean: float, reserve: float, share: float) -> float:
    """Clean score of which damage decides one part, and a reserve that no image shows the other.

    Parameters
    ----------
    clean : float
        By damage and age alone.
    reserve : float
        Standard normal over patients, independent of the damage.
    share : float
        Of the variance that the reserve decides, 0 to 1; mean and variance stay.
    """
    by_damage = np.sqrt(1 - share) * (clean - CLEAN_MEAN)
    return float(CLEAN_MEAN + by_damage + np.sqrt(share) * CLEAN_SPREAD * reserve)


def capacity(latent: float) -> float:
    """What the lesioned side can do, 0 to 1, uniform over patients if `latent` is normal."""
    return float(ndtr(latent))


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


def leg_scores(clean: NDArray[np.floating], rng: np.random.Generator) -> NDArray[np.int64]:
    """Draw one FMA-LE, 0 to 34, for each clean score: the same impairment, noise of its own."""
    noise = NOISE * rng.standard_normal(len(clean))
    healthy = HIGHEST - rng.integers(0, 4, len(clean))
    points = np.where(np.isnan(clean), healthy, np.asarray(clean) + noise)
    return np.clip(np.rint(points * HIGHEST_LEG / HIGHEST), 0, HIGHEST_LEG).astype(np.int64)


def draw_scores(clean: NDArray[np.floating], rng: np.random.Generator) -> NDArray[np.int64]:
    """Draw one observed score, 0 to 66, for each clean score."""
    cumulative = score_distribution(clean).cumsum(axis=1)
    drawn = rng.random((len(cumulative), 1)) * cumulative[:, -1:]
    return (cumulative < drawn).sum(axis=1)
