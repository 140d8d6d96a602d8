"""Field maps of gradient echoes that are meant for an echo-planar series."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from motor_bids_app.bids.listing import Found
from motor_bids_app.bids.reverse_phase import is_meant, metadata_of
from motor_bids_app.bids.search import inherited

_KINDS = {  # first image -> the others that it needs, any of the last group as magnitude
    "fieldmap": ((), ("magnitude", "magnitude1", "magnitude2")),
    "phasediff": ((), ("magnitude1", "magnitude2", "magnitude")),
    "phase1": (("phase2",), ("magnitude1", "magnitude2", "magnitude")),
}


@dataclass(frozen=True, kw_only=True)
class FieldMap:
    """Images that show how far the magnetic field is from what it should be.

    Parameters
    ----------
    kind : str
        'fieldmap': measured, in the units of its sidecar; 'phasediff': difference of the phases
        of two echoes; 'phase1': both phases.
    images : tuple of Path
        One image, or the two phases.
    sidecars : tuple of tuple of Path
        JSON files that apply to each of them, the most general first.
    magnitude : Path
        Brightness of the same voxels.
    """

    kind: str
    images: tuple[Path, ...]
    sidecars: tuple[tuple[Path, ...], ...]
    magnitude: Path

    @property
    def files(self) -> dict[str, Path]:
        """All files that the field follows from, by what they are."""
        sidecars = [path for paths in self.sidecars for path in paths]
        return {
            **{f"field {number}": path for number, path in enumerate(self.images)},
            **{f"field sidecar {number}": path for number, path in enumerate(sidecars)},
            "field magnitude": self.magnitude,
        }


def find_field_map(series: Found, images: Sequence[Found], root: Path) -> FieldMap | None:
    """Find the field map that names the series, the one with least to compute first.

    Parameters
    ----------
    series, images, root
        As for `find_reverse_phase`.
    """
    own = metadata_of(series, root)
    maps = [file for file in images if file.path.parent.name == "fmap"]
    for kind, (others, magnitudes) in _KINDS.items():
        for file in maps:
            if file.get("suffix") != kind or not is_meant(
                metadata_of(file, root), own, series, root
            ):
                continue
            further = [_beside(file, name, maps) for name in others]
            magnitude = next(
                (path for name in magnitudes if (path := _beside(file, name, maps))), None
            )
            paths = [file.path, *(path for path in further if path)]
            if magnitude and len(paths) == 1 + len(others):
                sidecars = tuple(tuple(inherited(path, ".json", root)) for path in paths)
                return FieldMap(
                    kind=kind, images=tuple(paths), sidecars=sidecars, magnitude=magnitude
                )
    return None


def _beside(file: Found, suffix: str, maps: Sequence[Found]) -> Path | None:
    """The image whose name differs in nothing but the suffix."""
    start = file.path.name.removesuffix("".join(file.path.suffixes)).rsplit("_", 1)[0]
    names = (f"{start}_{suffix}.nii.gz", f"{start}_{suffix}.nii")
    return next((other.path for other in maps if other.path.name in names), None)
