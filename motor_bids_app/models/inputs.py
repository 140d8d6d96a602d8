"""Volumes that models read, checked against what they expect."""

from motor_bids_app.errors import DataError, IncompatibleModelError
from motor_bids_app.features.samples import Samples
from motor_bids_app.features.volumes import Volumes


def volumes_of(samples: Samples) -> Volumes:
    """Return the volumes of samples; raises DataError if there are none."""
    if samples.volumes is None:
        raise DataError("This model reads maps, but the scans come without: add inputs.maps.")
    return samples.volumes


def map_columns(volumes: Volumes, maps: tuple[str, ...]) -> list[int]:
    """Return the positions of `maps` in the volumes.

    Raises
    ------
    IncompatibleModelError
        The volumes lack a map.
    """
    missing = [name for name in maps if name not in volumes.maps]
    if missing:
        raise IncompatibleModelError(
            f"The model reads the maps {', '.join(maps)}, but {', '.join(missing)} is not among "
            f"those given ({', '.join(volumes.maps)})."
        )
    return [volumes.maps.index(name) for name in maps]
