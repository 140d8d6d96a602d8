"""What a fitted model knows, in forms that can be written without pickle."""

from dataclasses import dataclass, field
from typing import Any, Protocol

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


class Storable(Protocol):
    """A model that can be saved in a bundle and made again from it."""

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Settings, as given."""
        ...

    def get_state(self) -> State:
        """Learned parts; raises NotFittedError before `fit`."""
        ...

    def set_state(self, state: State) -> None:
        """Take over the learned parts, as after `fit`."""
        ...
