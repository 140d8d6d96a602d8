"""What is known of the maps of one method, person by person."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from motor_bids_app.levels.group.explanation.looks import Look

_FOLDS = 10  # whose maps are kept to compare; pairs of more tell little more
Maps = NDArray[np.float32]


@dataclass
class Tally:
    """What is known of one method so far.

    Parameters
    ----------
    total : float64 array, shape (n_maps, X, Y, Z)
        Sum of the maps of people, each in the direction of its own prediction.
    n_people : int
        People in it.
    folds : list of float32 array
        Map of the model of each training fold.
    randomised : list of float
        Rank correlations with maps of models that learned nothing.
    drops, random_drops : list of float array
        See `deletion_drops`, by person.
    lesion : list of (float, float)
        Share of a person's attribution, and of the voxels, in the own lesion.
    errors : list of (float, float)
        Of integrated gradients: by how much the map misses the output, and the output.
    """

    total: NDArray[np.float64]
    n_people: int = 0
    folds: list[Maps] = field(default_factory=list)
    randomised: list[float] = field(default_factory=list)
    drops: list[NDArray[Any]] = field(default_factory=list)
    random_drops: list[NDArray[Any]] = field(default_factory=list)
    lesion: list[tuple[float, float]] = field(default_factory=list)
    errors: list[tuple[float, float]] = field(default_factory=list)

    def add(self, look: Look) -> None:
        """Take what was seen of people but their maps."""
        self.randomised += look.randomised.tolist()
        self.drops += list(look.drops)
        self.random_drops += list(look.random_drops)
        self.errors += [(float(error), float(output)) for error, output in look.errors]

    def keep_fold(self, values: Maps) -> None:
        """Remember the map of a fold's model."""
        if len(self.folds) < _FOLDS:
            self.folds.append(values)
