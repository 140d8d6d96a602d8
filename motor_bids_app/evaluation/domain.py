"""How far a person lies outside the people whom a model learned from.

Each quantity (age, lesion volume, a regional feature, the level of a map) is described by the mean
and standard deviation over the training people and their number: no value of a single person is
kept. A new person is outside where the value leaves the interval that holds one more person of
the same population with probability 1 - `ALPHA`: mean ± t(n - 1) s √(1 + 1/n), the prediction
interval of a normal sample. Volumes, times and other skewed amounts are taken as ln(1 + x).
Several quantities of one kind share the error (Bonferroni), so that about one in a hundred people
like those of training is outside by chance in each kind.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from motor_bids_app.features.volumes import Volumes
from motor_bids_app.privacy import no_older, shown

ALPHA = 0.01  # share of people like those of training who are outside, per kind of quantity
MIN_PEOPLE = 5  # fewer have no spread worth the name, and moments of few people tell of each
LOGARITHMIC = frozenset({"lesion_volume", "time_since_stroke"})
LEVELS = ("mean", "spread")  # of the voxels of a map


@dataclass(frozen=True)
class Spread:
    """Where the training people lie in one quantity.

    Parameters
    ----------
    n : int
        People with a value.
    mean, sd : float
        Over them, of ln(1 + value) if logarithmic.
    logarithmic : bool
    """

    n: int
    mean: float
    sd: float
    logarithmic: bool = False

    @classmethod
    def of(cls, values: ArrayLike, *, logarithmic: bool = False) -> Self | None:
        """Describe values, leaving out missing ones; None for few people or a constant."""
        known = np.asarray(values, dtype=np.float64)
        known = known[np.isfinite(known)]
        if logarithmic:
            known = np.log1p(known[known > -1])
        if len(known) < MIN_PEOPLE or not float(np.ptp(known)) > 0:
            return None
        return cls(len(known), float(known.mean()), float(known.std(ddof=1)), logarithmic)

    def distance(self, value: float, n_quantities: int = 1) -> float:
        """Distance from the mean, in half-widths of the prediction interval: outside above 1."""
        if self.logarithmic and value <= -1:
            return math.inf
        taken = math.log1p(value) if self.logarithmic else value
        return abs(taken - self.mean) / self._half_width(n_quantities)

    def limits(self, n_quantities: int = 1) -> tuple[float, float]:
        """Ends of the prediction interval, in units of the quantity."""
        half = self._half_width(n_quantities)
        low, high = self.mean - half, self.mean + half
        if self.logarithmic:
            return max(math.expm1(low), 0.0), math.expm1(high)
        return low, high

    def _half_width(self, n_quantities: int) -> float:
        quantile = float(stats.t.ppf(1 - ALPHA / 2 / n_quantities, self.n - 1))
        return quantile * self.sd * math.sqrt(1 + 1 / self.n)


@dataclass(frozen=True)
class Finding:
    """One quantity in which a person is outside.

    `distance` is that of `Spread.distance`; a site that was never seen has none, and counts as 1.
    `told` is what tables give: with the limits in the text, that of an age above 89 would tell it.
    """

    quantity: str
    text: str
    distance: float = 1.0
    told: float = 1.0


@dataclass(frozen=True)
class Domain:
    """Where the training people lie in all quantities: kind -> quantity -> spread.

    Parameters
    ----------
    spreads : mapping
        Kinds are the person's facts ("age", ...), each judged alone; "features", the columns that
        the model reads; and "maps", of which each has a mean and a spread over voxels.
    sites : tuple of str
        Where the training people were imaged; empty if unknown.
    """

    spreads: Mapping[str, Mapping[str, Spread]]
    sites: tuple[str, ...] = ()

    def findings(
        self, values: Mapping[str, Mapping[str, float]], site: str | None
    ) -> tuple[Finding, ...]:
        """Say where a person is outside, the farthest first; missing values are not judged."""
        found = []
        for kind, spreads in self.spreads.items():
            for name, spread in spreads.items():
                value = values.get(kind, {}).get(name, math.nan)
                distance = spread.distance(value, len(spreads)) if not math.isnan(value) else 0.0
                if distance > 1:
                    low, high = spread.limits(len(spreads))
                    known = f"{shown(name, low)} to {shown(name, high)}"
                    text = f"{name} {shown(name, value)} (training: {known})"
                    told = spread.distance(no_older(value), len(spreads))
                    found.append(Finding(name, text, distance, told if name == "age" else distance))
        found.sort(key=lambda finding: -finding.distance)
        if site is not None and self.sites and site not in self.sites:
            found.append(Finding("site", f"site {site} (training: {', '.join(self.sites)})"))
        return tuple(found)

    def to_json(self) -> dict[str, Any]:
        """Numbers for JSON."""
        kinds = {
            kind: {name: vars(spread) for name, spread in spreads.items()}
            for kind, spreads in self.spreads.items()
        }
        return {"alpha": ALPHA, "spreads": kinds, "sites": list(self.sites)}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        """Inverse of `to_json`."""
        kinds = {
            kind: {
                name: Spread(**{part.name: numbers[part.name] for part in fields(Spread)})
                for name, numbers in spreads.items()
            }
            for kind, spreads in content["spreads"].items()
        }
        return cls(kinds, tuple(content["sites"]))


def learn_domain(
    facts: pd.DataFrame, features: pd.DataFrame, levels: pd.DataFrame, sites: ArrayLike
) -> Domain:
    """Describe the training people, one row per person in each table.

    Parameters
    ----------
    facts : DataFrame
        Age, time since stroke, lesion volume: each column is a kind of its own.
    features : DataFrame
        Columns that the model reads.
    levels : DataFrame
        See `map_levels`.
    sites : sequence of str
        Of the people, missing ones left out.
    """
    described = {
        **{str(name): facts[[name]] for name in facts},
        "features": features,
        "maps": levels,
    }
    spreads = {}
    for kind, table in described.items():
        known = {
            str(name): Spread.of(table[name].astype(float), logarithmic=name in LOGARITHMIC)
            for name in table
        }
        spreads[kind] = {name: spread for name, spread in known.items() if spread is not None}
    return Domain(spreads, tuple(sorted({str(site) for site in np.asarray(sites)})))


def map_levels(volumes: Volumes, mask: NDArray[np.bool_] | None) -> pd.DataFrame:
    """Mean and spread (standard deviation) over the voxels in `mask` of each map of each scan.

    Wrong units, another contrast or a map of something else move them. Lesion maps are left out:
    their size is a quantity of its own.

    Returns
    -------
    DataFrame, one row per scan
        Columns "fa mean", "fa spread" and so on, in stored units; NaN where the map is missing.
    """
    columns = {}
    for column, name in enumerate(volumes.maps):
        if name == "lesion":
            continue
        total = np.zeros((2, len(volumes)))
        n_voxels = 0
        for _, block in volumes.blocks(column, mask):
            total += block.sum(axis=1, dtype=np.float64), np.square(block).sum(axis=1, dtype=float)
            n_voxels += block.shape[1]
        mean, square = total / n_voxels
        spread = np.sqrt(np.maximum(square - mean**2, 0))
        for level, values in zip(LEVELS, (mean, spread), strict=True):
            columns[f"{name} {level}"] = np.where(volumes.present[:, column], values, np.nan)
    return pd.DataFrame(columns, index=range(len(volumes)))
