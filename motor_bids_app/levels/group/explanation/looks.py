"""Looks at networks: what they say of a few people by one method, kept beside their trainings.

A look is what takes time in an explanation. It is the same whoever has it, so that any process can
have it ahead; an evaluation that finds it kept goes on with it.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Self

import numpy as np
import safetensors.numpy
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from torch import Tensor, nn

from motor_bids_app import __version__
from motor_bids_app.errors import UsageError
from motor_bids_app.models.training.snapshots import Checkpoints

TOGETHER = 4  # people of a look
Doubles = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Look:
    """What a model says of n people by one method.

    Attributes
    ----------
    values : float32 array, shape (n, n_maps, X, Y, Z)
        Their maps.
    effects : float64 array, shape (n,)
        Their outputs, minus that of the average brain.
    randomised : float64 array, shape (n_compared,)
        Rank correlations with maps of a model that learned nothing.
    drops, random_drops : float64 array, shape (n_deleted, STEPS + 1)
        See `deletion_drops`.
    errors : float64 array, shape (n_outputs, 2)
        Of integrated gradients: by how much a map misses an output, and that output.
    """

    values: NDArray[np.float32]
    effects: Doubles
    randomised: Doubles
    drops: Doubles
    random_drops: Doubles
    errors: Doubles

    def pack(self) -> bytes:
        """Return it as safetensors, without the voxels that are 0 in everyone's maps."""
        flat = self.values.reshape(*self.values.shape[:2], -1)
        voxels = np.flatnonzero(flat.any(axis=(0, 1)))
        parts = {f.name: np.ascontiguousarray(getattr(self, f.name)) for f in fields(self)}
        packed = {
            **parts,
            "values": np.ascontiguousarray(flat[..., voxels]),
            "voxels": voxels,
            "shape": np.array(self.values.shape),
        }
        return bytes(safetensors.numpy.save(packed))

    @classmethod
    def unpack(cls, content: bytes) -> Self:
        """Return what `pack` packed; raises UsageError if that is damaged."""
        try:
            parts = safetensors.numpy.load(content)
            voxels, shape = parts.pop("voxels"), parts.pop("shape")
            values = np.zeros(shape, dtype=np.float32)
            values.reshape(*shape[:2], -1)[..., voxels] = parts.pop("values")
            return cls(values=values, **parts)
        except (SafetensorError, KeyError, TypeError, ValueError, IndexError) as error:
            raise UsageError(
                f"An explanation in the work folder is damaged ({error}). Remove the checkpoints "
                "from the work folder to begin anew."
            ) from error


def name_look(said: Sequence[object], modules: Iterable[nn.Module], shown: Iterable[Tensor]) -> str:
    """Name a look by what it follows from: words and numbers, networks, and inputs."""
    parts = [part for module in modules for part in module.modules()]
    plain = [(type(part).__name__, _numbers(part)) for part in parts]
    seen = hashlib.sha256(repr((__version__, *said, *plain)).encode())
    weights = (one for module in modules for one in module.state_dict().values())
    for part in (*weights, *shown):
        tensor = part.detach().cpu().contiguous()
        seen.update(tensor.reshape(-1).view(torch.uint8).numpy())
    return seen.hexdigest()[:24]


def _numbers(part: nn.Module) -> list[tuple[str, object]]:
    """Return what a layer knows beside its weights, such as the range of a score."""
    known = sorted(vars(part).items())
    return [(name, one) for name, one in known if isinstance(one, int | float | str | tuple)]


def kept(place: Checkpoints | None, name: Callable[[], str], look: Callable[[], Look]) -> Look:
    """Return the look of a name; where there is none, look, and keep what is seen."""
    if place is None:
        return look()
    known = name()
    content = place.load(known)
    if content is not None:
        return Look.unpack(content)
    found = look()
    place.save(known, found.pack())
    return found


def in_parts(rows: Sequence[int]) -> Iterator[list[int]]:
    """Yield the rows of each look."""
    for start in range(0, len(rows), TOGETHER):
        yield list(rows[start : start + TOGETHER])


class FirstTime:
    """Deals out whom a model is explained to: each person to the first that is tested on them.

    Folds test everyone in the first repeat; holdouts take several repeats to come to all.

    Parameters
    ----------
    participants : str array, shape (n_scans,)
    most : int
        People of a test set, at most.
    has : bool array, shape (n_scans,)
        Scans that can be explained.
    """

    def __init__(
        self, participants: NDArray[np.str_], most: int, has: NDArray[np.bool_] | bool = True
    ) -> None:
        self.participants, self.most, self.has = participants, most, has
        self._seen: set[str] = set()  # people tested in earlier test sets

    def rows(self, training: int, tested: NDArray[np.bool_]) -> list[int]:
        """Scans to explain a training to: of each new person the first one."""
        if training != 1:
            return []
        first: dict[str, int] = {}
        for row in np.flatnonzero(tested & self.has):
            first.setdefault(str(self.participants[row]), int(row))
        new = sorted(row for person, row in first.items() if person not in self._seen)
        self._seen |= set(first)
        return new[: self.most]
