"""What every estimator is fitted on: one row per scan, with its maps."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from motor_bids_app.features.instances import Indices, Instances
from motor_bids_app.features.volumes import Volumes


@dataclass(frozen=True, eq=False)
class Samples:
    """Scans with their columns and, where an experiment uses them, their maps.

    >>> samples = Samples(pd.DataFrame({"participant_id": ["sub-1", "sub-2"], "age": [60, 70]}))
    >>> samples[[1]].participants.tolist(), len(samples)
    (['sub-2'], 2)

    Attributes
    ----------
    table : DataFrame
        One row per scan: `participant_id`, `group` ("patient" or "control"), demographics
        and features. Missing values are NaN.
    volumes : Volumes, optional
        Maps of the same scans, in the same order.
    instances : mapping of str to Instances
        Windows or slices of the same scans, in the same order, by kind.
    """

    table: pd.DataFrame
    volumes: Volumes | None = None
    instances: Mapping[str, Instances] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if "participant_id" not in self.table:
            raise ValueError("the table needs a column participant_id: folds are cut by person")
        if self.volumes is not None and len(self.volumes) != len(self.table):
            raise ValueError(f"{len(self.table)} rows, but volumes of {len(self.volumes)} scans")
        for name, instances in self.instances.items():
            if len(instances) != len(self.table):
                raise ValueError(f"{len(self.table)} rows, but {name} of {len(instances)} scans")

    def __len__(self) -> int:
        return len(self.table)

    def __getitem__(self, indices: ArrayLike | slice) -> "Samples":
        """Return the scans at positions, or where a boolean array is True."""
        chosen = indices if isinstance(indices, slice) else np.atleast_1d(np.asarray(indices))
        volumes = None if self.volumes is None else self.volumes[chosen]
        instances = {name: each[chosen] for name, each in self.instances.items()}
        return Samples(self.table.iloc[chosen], volumes, instances)

    def apart(self, name: str, most: int = 0) -> tuple["Samples", Indices]:
        """Return samples of which each is one instance, and the row that each is of.

        Parameters
        ----------
        name : str
            Kind of the instances. Rows without such an instance are left out.
        most : int
            Instances of each row at most, evenly spaced; 0: all.
        """
        few = self.instances[name].at_most(most)
        repeated = self[few.rows]
        instances = {**repeated.instances, name: few.apart()}
        return Samples(repeated.table, repeated.volumes, instances), few.rows

    @property
    def participants(self) -> NDArray[np.str_]:
        """Participant of each scan, shape (n_scans,)."""
        return self.table["participant_id"].to_numpy(dtype=str)

    @property
    def controls(self) -> NDArray[np.bool_]:
        """True for scans of people without stroke, shape (n_scans,); False if unknown."""
        if "group" not in self.table:
            return np.zeros(len(self), dtype=bool)
        return (self.table["group"] == "control").to_numpy(dtype=bool)
