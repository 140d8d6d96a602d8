"""Which way measured places of electrodes are turned, before left and right are read from them.

Coordinate systems of EEG differ in their axes (nose along y, or along x), and files do not always
say which is meant. What the places themselves tell comes first: by names of the 10-05 system, by
fiducials. What a file declares comes next, then electrodes at the eyes. Where nothing tells, places
are left out.
"""

import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from motor_bids_app.physiology.montage import FEWEST_MEASURED, on_sphere, template_places

Array = NDArray[np.float64]
NEAR = 40.0  # degrees between the place of a name and a measured place that still fit each other
_AGREE = 25.0  # degrees, median over names, of places whose axes are right
_BETTER = 10.0  # degrees by which other axes must fit better than the declared ones
_FEWEST_NAMES = 6  # of the 10-05 system, and at least half of all: caps of others use a few
_MOST_MISNAMED = 0.25  # of the names of the 10-05 system, beyond which none of them means it
_AXES = {  # of the coordinate systems that BIDS names
    "captrak": "RAS",
    "elektaneuromag": "RAS",
    "chietiitab": "RAS",
    "eeglab": "ALS",
    "eeglab-hj": "ALS",
    "ctf": "ALS",
    "4dbti": "ALS",
    "kityokogawa": "ALS",
    "acpc": "RAS",
    "scanras": "RAS",
    "talairach": "RAS",
}
_CODE = re.compile(r"\b([RLAPSI]{3})\b")
_WAYS = {"R": (0, 1), "L": (0, -1), "A": (1, 1), "P": (1, -1), "S": (2, 1), "I": (2, -1)}
_LANDMARKS = ("nas", "lpa", "rpa")


@dataclass(frozen=True, eq=False)
class Placed:
    """Places on the unit sphere (right, front, up), shape (C, 3), NaN where unknown.

    `note` says what was done to them; None where they are as measured.
    """

    places: Array
    note: str | None = None


def declared_axes(system: str, description: str) -> str | None:
    """Axes that a coordinate system has: 'RAS' is right, front, up; None where that is not told.

    >>> declared_axes("EEGLAB", ""), declared_axes("Other", "ALS: x to the nose")
    ('ALS', 'ALS')
    """
    name = system.strip().lower()
    if name.startswith(("mni", "fsaverage", "icbm")):
        return "RAS"
    if name in _AXES:
        return _AXES[name]
    codes = [code for code in _CODE.findall(description) if _matrix(code) is not None]
    return codes[0] if len(set(codes)) == 1 else None


def place_electrodes(
    points: Array,
    names: Sequence[str],
    axes: str | None,
    landmarks: Mapping[str, Sequence[float]] | None = None,
    eyes: Sequence[int] = (),
) -> Placed:
    """Turn measured places so that x is right, y front and z up.

    Parameters
    ----------
    points : array, shape (C, 3)
        As measured, in any unit; NaN where unknown.
    names : sequence of str, shape (C,)
    axes : str or None
        As `declared_axes` gives them.
    landmarks : mapping, optional
        NAS, LPA and RPA in the same coordinates, by their names in any case.
    eyes : sequence of int
        Channels that lie at the eyes.

    Returns
    -------
    Placed
        By the names alone where fewer than eight places are measured.
    """
    named = template_places(names)
    known = np.asarray(np.isfinite(points).all(axis=1), dtype=bool)
    if known.sum() < FEWEST_MEASURED:
        return Placed(named)
    sphere = on_sphere(points)
    declared = _matrix(axes) if axes else None
    tell = np.asarray(known & np.isfinite(named).all(axis=1), dtype=bool)
    if tell.sum() >= max(_FEWEST_NAMES, known.sum() / 2):
        by_names = _by_names(sphere, named, tell, declared)
        if by_names is not None:
            return by_names
    turned = _by_landmarks(points, landmarks or {})
    if turned is not None:
        return Placed(turned)
    if declared is None:
        declared = _by_eyes(sphere, eyes)
    if declared is None:
        return Placed(
            np.full_like(sphere, np.nan),
            "The places of electrodes were left out: neither their coordinate system nor names, "
            "fiducials or electrodes at the eyes tell where the nose is. Name the "
            "EEGCoordinateSystem, or the axes in its description (as RAS or ALS).",
        )
    note = None
    if not np.array_equal(declared, np.eye(3)):
        note = "The places of electrodes were turned, since the nose is not along y in them."
    return Placed(sphere @ declared.T, note)


def names_that_fit(names: Sequence[str], places: Array) -> NDArray[np.bool_]:
    """Which names can be believed, shape (C,): those that lie where the 10-05 system has them.

    None of them, where many lie elsewhere: then the cap has another system, in which C3 may be a
    right frontal electrode. Names whose place, or meaning, is unknown are believed.
    """
    expected = template_places(names)
    known = np.isfinite(expected).all(axis=1) & np.isfinite(places).all(axis=1)
    fits = np.ones(len(names), dtype=bool)
    fits[known] = (expected[known] * places[known]).sum(axis=1) >= np.cos(np.deg2rad(NEAR))
    if known.any() and 1 - fits[known].mean() > _MOST_MISNAMED:
        fits[known] = False
    return fits


def _by_names(
    sphere: Array, named: Array, tell: NDArray[np.bool_], declared: Array | None
) -> Placed | None:
    """Places by the axes that bring them closest to where names lie; None if no axes do."""
    angles = {
        sign: {
            number: _angle(sphere[tell] @ matrix.T, named[tell])
            for number, matrix in enumerate(_TURNS[sign])
        }
        for sign in (1, -1)
    }
    best = min(angles[1], key=lambda number: angles[1][number])
    mirrored = min(angles[-1].values())
    start = np.eye(3) if declared is None else declared
    as_declared = _angle(sphere[tell] @ start.T, named[tell])
    if as_declared <= min(_AGREE, angles[1][best] + _BETTER):
        note = None if np.array_equal(start, np.eye(3)) else "by their coordinate system"
        return Placed(sphere @ start.T, note and f"The places of electrodes were turned {note}.")
    if angles[1][best] <= _AGREE:
        return Placed(
            sphere @ _TURNS[1][best].T,
            "The places of electrodes were turned: only so do they agree with the electrodes' "
            "names. Check the EEGCoordinateSystem.",
        )
    if mirrored <= _AGREE:
        return Placed(
            named,
            "The measured places of electrodes are mirror images of what their names say, left for "
            "right: the names were believed, and the places left out. Check the coordinates.",
        )
    return None


def _by_landmarks(points: Array, landmarks: Mapping[str, Sequence[float]]) -> Array | None:
    """Places in the frame of the fiducials: x through the ears, y to the nose."""
    found = {str(name).lower(): np.asarray(place, dtype=float) for name, place in landmarks.items()}
    if not all(name in found and found[name].shape == (3,) for name in _LANDMARKS):
        return None
    nose, left, right = (found[name] for name in _LANDMARKS)
    x = right - left
    y = nose - (left + right) / 2
    y = y - x * (x @ y) / max(float(x @ x), np.finfo(float).tiny)
    if not (np.linalg.norm(x) > 0 and np.linalg.norm(y) > 0):
        return None
    x, y = x / np.linalg.norm(x), y / np.linalg.norm(y)
    places = on_sphere(points @ np.stack([x, y, np.cross(x, y)]).T)
    # Upside down, left and right of the fiducials are exchanged: then they tell nothing.
    return places if np.nanmean(places[:, 2]) > 0 else None


def _by_eyes(sphere: Array, eyes: Sequence[int]) -> Array | None:
    """Turn about the vertical that brings the electrodes at the eyes to the front."""
    seen = [sphere[k] for k in eyes if np.isfinite(sphere[k]).all()]
    if not seen:
        return None
    front = np.mean(seen, axis=0)[:2]
    axis = int(np.abs(front).argmax())
    if abs(front[axis]) < 2 * abs(front[1 - axis]):
        return None
    y = np.zeros(3)
    y[axis] = np.sign(front[axis])
    z = np.array([0.0, 0.0, 1.0])
    return np.stack([np.cross(y, z), y, z])


def _angle(places: Array, expected: Array) -> float:
    """Median angle between places, degrees."""
    cosines = np.clip((places * expected).sum(axis=1), -1, 1)
    return float(np.median(np.degrees(np.arccos(cosines))))


def _matrix(axes: str) -> Array | None:
    """Matrix that takes points with these axes to right, front, up; None if they are none."""
    matrix = np.zeros((3, 3))
    for column, letter in enumerate(axes):
        row, sign = _WAYS[letter]
        matrix[row, column] = sign
    return matrix if abs(np.linalg.det(matrix)) == 1 else None


def _turns(sign: int) -> tuple[Array, ...]:
    """All 24 ways to exchange axes that keep the hand of the system (1), or change it (-1)."""
    matrices = (
        np.diag(signs)[list(order)]
        for order in itertools.permutations(range(3))
        for signs in itertools.product((1.0, -1.0), repeat=3)
    )
    return tuple(matrix for matrix in matrices if round(float(np.linalg.det(matrix))) == sign)


_TURNS = {sign: _turns(sign) for sign in (1, -1)}
