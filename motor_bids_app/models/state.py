"""What a fitted model knows, in forms that can be written without pickle."""

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
