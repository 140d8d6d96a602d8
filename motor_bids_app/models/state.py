"""What a fitted model knows, in forms that can be written without pickle."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline


@dataclass
class State:
    """Learned parts of a model; none of them may hold a training scan.

    Attributes
    ----------
    values : dict
        What JSON can hold.
    arrays : dict of arrays
        Numbers and weights.
    pipelines : dict of Pipeline
        Fitted scikit-learn steps.
    """

    values: dict[str, Any] = field(default_factory=dict)
    arrays: dict[str, NDArray[np.generic]] = field(default_factory=dict)
    pipelines: dict[str, Pipeline] = field(default_factory=dict)


def joined(states: Mapping[int, State]) -> State:
    """Put numbered states into one; names stay those that a bundle allows, of letters only."""
    whole = State(values={"parts": {}})
    for number, part in states.items():
        key = letters(number)
        whole.values["parts"][key] = {"number": number, "values": part.values}
        whole.arrays |= {f"{key}/{name}": value for name, value in part.arrays.items()}
        whole.pipelines |= {f"{key}_{name}": value for name, value in part.pipelines.items()}
    return whole


def parted(whole: State) -> dict[int, State]:
    """Inverse of `joined`."""
    return {
        part["number"]: State(
            part["values"],
            {n.partition("/")[2]: v for n, v in whole.arrays.items() if n.startswith(f"{key}/")},
            {n.partition("_")[2]: v for n, v in whole.pipelines.items() if n.startswith(f"{key}_")},
        )
        for key, part in whole.values["parts"].items()
    }


def letters(number: int) -> str:
    """Write a number from 0 to 675 as two letters.

    >>> letters(0), letters(27)
    ('aa', 'bb')
    """
    return chr(ord("a") + number // 26) + chr(ord("a") + number % 26)
