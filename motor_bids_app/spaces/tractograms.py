"""Streamlines of a population: where white matter runs, and which bundle each belongs to."""

import gzip
import io
import re
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.io import loadmat

from motor_bids_app.spaces.templates import package_file

HCP842 = "HCP842"  # the tractogram of this package
_SPACE = "MNI152NLin2009cAsym"  # that it is drawn in
_FOLDER = ("motor_bids_app", "spaces", "data", "hcp842")
_FILE = "ICBM152_adult.tt.gz"
_STEPS = 32  # of a voxel's edge, that coordinates are counted in
_HEADER = 16  # bytes before the steps of a streamline: four int32
_SIDES = {"L": "left", "R": "right", "-lr": "left", "-rl": "right"}
_OTHER = {"left": "right", "right": "left"}


@dataclass(frozen=True, eq=False)
class Tractogram:
    """Streamlines, one after the other.

    Parameters
    ----------
    points : float32 array, shape (n_points, 3)
        mm in RAS.
    lengths : int array, shape (n_streamlines,)
        Points of each streamline.
    bundle : int array, shape (n_streamlines,)
        Position of its bundle in `names`.
    names : tuple of str
        Those of paired bundles end in ``_left`` and ``_right``.
    space : str
        One of `settings.MNI_SPACES`.
    """

    points: NDArray[np.float32]
    lengths: NDArray[np.int64]
    bundle: NDArray[np.int64]
    names: tuple[str, ...]
    space: str


@lru_cache(maxsize=1)
def load_hcp842() -> Tractogram:
    """Return the streamlines of the HCP842 atlas (Yeh et al. 2018, 842 people); do not modify."""
    packed = package_file(*_FOLDER, _FILE).read_bytes()
    points, lengths, cluster = read_tiny_track(gzip.decompress(packed))
    return Tractogram(points, lengths, cluster, hcp842_bundles(), _SPACE)


@lru_cache(maxsize=1)
def hcp842_bundles() -> tuple[str, ...]:
    """Names of the bundles of `load_hcp842`, by the numbers that streamlines have."""
    lines = package_file(*_FOLDER, f"{_FILE}.txt").read_text(encoding="ascii").split()
    return tuple(bundle_name(line) for line in lines)


def bundle_name(given: str) -> str:
    """Name a bundle as columns of tables are named; its group is left out.

    A tract that crosses has the side of its end in the cerebrum.

    >>> bundle_name("Association_CingulumL_FrontalParietal"), bundle_name("CranialNerve_CNVIIIL")
    ('cingulum_frontal_parietal_left', 'cn_viii_left')
    >>> bundle_name("Commissure_CorpusCallosum_Body")
    'corpus_callosum_body'
    """
    parts = given.split("_")[1:]
    match = re.fullmatch(r"(.+?)([LR]|-lr|-rl)?", parts[0])
    assert match is not None
    words = re.findall("CN|[IVX]+$|[A-Z]?[a-z]+|[0-9]+", match[1])
    for part in parts[1:]:
        words += re.findall("[A-Z]?[a-z]+|[0-9]+", part)
    side = [_SIDES[match[2]]] if match[2] else []
    return "_".join([*words, *side]).lower()


def other_side(name: str) -> str:
    """Name of the mirror image of a bundle or region; of an unpaired one, its own.

    >>> other_side("fornix_left"), other_side("Insula_R"), other_side("vermis")
    ('fornix_right', 'Insula_L', 'vermis')
    """
    stem, _, side = name.rpartition("_")
    swapped = {**_OTHER, "L": "R", "R": "L"}.get(side)
    return f"{stem}_{swapped}" if swapped else name


def read_tiny_track(
    content: bytes,
) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.int64]]:
    """Read the format of DSI Studio (TT), unpacked: matrices of MATLAB 4.

    In `track`, a streamline is four little-endian int32, n = 3 x its points and the place of the
    first, and n - 3 signed bytes, the steps to the next; all in 1/32 of a voxel.

    Returns
    -------
    points : float32 array, shape (n_points, 3)
        mm, by `trans_to_mni`.
    lengths, cluster : int64 array, shape (n_streamlines,)
        Points of each streamline, and the number of its bundle.
    """
    parts = loadmat(io.BytesIO(content))
    track = parts["track"].astype(np.uint8).ravel()
    starts, sizes = [], []
    place = 0
    while place < track.size:
        size = int(track[place : place + 4].view("<i4")[0])
        starts.append(place)
        sizes.append(size)
        place += _HEADER + size - 3
    lengths = np.array(sizes, dtype=np.int64) // 3
    heads = np.array(starts)[:, None] + np.arange(4, _HEADER)
    steps = np.ones(track.size, dtype=bool)  # all bytes but headers
    steps[(np.array(starts)[:, None] + np.arange(_HEADER)).ravel()] = False
    moves = np.zeros((int(lengths.sum()), 3), dtype=np.int32)
    first = np.cumsum(lengths) - lengths
    later = np.ones(len(moves), dtype=bool)
    later[first] = False
    moves[later] = track[steps].view(np.int8).reshape(-1, 3)
    moves[first] = track[heads].reshape(-1).view("<i4").reshape(-1, 3)
    places = moves.cumsum(axis=0, dtype=np.int32)
    before = places[first] - moves[first]  # what the streamlines before have added
    places -= np.repeat(before, lengths, axis=0)
    affine = parts["trans_to_mni"].reshape(4, 4).astype(np.float32)
    points = (places / np.float32(_STEPS)).astype(np.float32) @ affine[:3, :3].T + affine[:3, 3]
    return points, lengths, parts["cluster"].ravel().astype(np.int64)
