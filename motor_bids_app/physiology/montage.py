"""Places of electrodes on a sphere: measured, or by their names in the 10-05 system."""

import re
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
FEWEST_MEASURED = 8  # places, with which a sphere is fitted well
_MARGINS = re.compile(r"^(EEG[ _-]+)|([ _-]+(REF|LE|RE|AVG|AV|A1|A2|M1|M2|CLE|AR))$|[.]+$", re.I)


def plain_name(name: str) -> str:
    """Name of an electrode without what exporters add to it.

    >>> plain_name("EEG Fp1-Ref"), plain_name("Fc5."), plain_name("T3")
    ('Fp1', 'Fc5', 'T3')
    """
    previous = ""
    while name != previous:
        previous, name = name, _MARGINS.sub("", name.strip())
    return name or previous


def template_places(names: Sequence[str]) -> Array:
    """Places by name on the unit sphere, NaN where a name is unknown; shape (C, 3)."""
    known = _template()
    missing = np.full(3, np.nan)
    return np.array([known.get(plain_name(name).lower(), missing) for name in names])


def on_sphere(points: Array) -> Array:
    """Directions of points from the centre of the sphere that fits them best, shape (C, 3).

    Parameters
    ----------
    points : array, shape (C, 3)
        Right, front, up, in any unit; NaN where unknown.
    """
    known = points[np.isfinite(points).all(axis=1)]
    system = np.column_stack([2 * known, np.ones(len(known))])
    centre = np.linalg.lstsq(system, (known**2).sum(axis=1), rcond=None)[0][:3]
    rays = points - centre
    return np.asarray(rays / np.linalg.norm(rays, axis=1, keepdims=True))


@lru_cache(maxsize=1)
def _template() -> dict[str, Array]:
    from mne.channels import make_standard_montage  # takes a second, and only here

    points = make_standard_montage("colin27_1005").get_positions()["ch_pos"]
    places = on_sphere(np.array(list(points.values())))
    return {name.lower(): place for name, place in zip(points, places, strict=True)}
