"""The image with opposite phase encoding that shows the distortion of an echo-planar series."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote

from motor_bids_app.bids.files import read_json
from motor_bids_app.bids.listing import Found
from motor_bids_app.bids.search import inherited, read_sidecars
from motor_bids_app.errors import MotorBidsAppError

_FIELD_MAPS = ("epi", "phasediff", "phase1", "phase2", "fieldmap")
_SERIES = 2  # preference of another series, after field maps and reference images


@dataclass(frozen=True, kw_only=True)
class ReversePhase:
    """An image of the same session as a series, with phase encoding the other way.

    Parameters
    ----------
    path : Path
        A field map image (`fmap/*_epi`), another series of diffusion or bold, or its reference
        image.
    bval : Path or None
        Its b-values; None: no volume is weighted.
    sidecars : tuple of Path
        JSON files that apply to it, the most general first.
    partner : ReversePhase or None
        Image of its kind with the phase encoding of the series, where that is bold: spin echoes
        and references have another contrast than the series itself.
    """

    path: Path
    bval: Path | None = None
    sidecars: tuple[Path, ...] = ()
    partner: "ReversePhase | None" = None

    @property
    def files(self) -> dict[str, Path]:
        """All files that the field follows from, by what they are."""
        found = {"reverse": self.path, **({"reverse_bval": self.bval} if self.bval else {})}
        found |= {f"reverse sidecar {n}": path for n, path in enumerate(self.sidecars)}
        if self.partner is None:
            return found
        return found | {f"partner of {key}": path for key, path in self.partner.files.items()}


def find_reverse_phase(series: Found, images: Sequence[Found], root: Path) -> ReversePhase | None:
    """Find the image, by sidecars alone; None where there is none.

    Field maps that name the series come first (``IntendedFor``, or ``B0FieldIdentifier`` and the
    ``B0FieldSource`` of the series), then reference images and series beside it.

    Parameters
    ----------
    series : Found
        Diffusion or bold.
    images : sequence of Found
        Images of the same participant and session.
    root : Path
        The dataset that they are in.
    """
    own = metadata_of(series, root)
    direction = str(own.get("PhaseEncodingDirection", ""))
    opposite = direction[:-1] if direction.endswith("-") else f"{direction}-"
    if not direction:
        return None
    candidates = _candidates(series, own, images, root)
    found = [one for one in candidates if _direction(one[1], root) == opposite]
    if not found:
        return None
    rank, reverse = min(found, key=lambda one: (one[0], one[1].path.name))
    partner = None
    if series.get("suffix") == "bold" and rank < _SERIES:
        same = [f for r, f in candidates if r == rank and _direction(f, root) == direction]
        name = set(reverse.path.name.split("_"))
        nearest = sorted(same, key=lambda f: (len(name ^ {*f.path.name.split("_")}), f.path.name))
        partner = _reverse(nearest[0], root) if nearest else None
    return replace(_reverse(reverse, root), partner=partner)


def _candidates(
    series: Found, own: dict[str, Any], images: Sequence[Found], root: Path
) -> list[tuple[int, Found]]:
    """Echo-planar images that may show the field of a series, with their preference."""
    found = []
    for file in images:
        rank = _rank(file, series)
        if rank is None or file.path == series.path:
            continue
        if rank > 0 or is_meant(metadata_of(file, root), own, series, root):
            found.append((rank, file))
    return found


def _direction(file: Found, root: Path) -> object:
    return metadata_of(file, root).get("PhaseEncodingDirection")


def _reverse(file: Found, root: Path) -> ReversePhase:
    tables = inherited(file.path, ".bval", root)
    return ReversePhase(
        path=file.path,
        bval=tables[-1] if tables else None,
        sidecars=tuple(inherited(file.path, ".json", root)),
    )


def unused_field_maps(images: Sequence[Found], used: Collection[Path]) -> tuple[str, ...]:
    """Say which field maps are there that distortion is not corrected by."""
    names = [
        file.path.name
        for file in images
        if file.path.parent.name == "fmap"
        and file.get("suffix") in _FIELD_MAPS
        and file.path not in used
    ]
    if not names:
        return ()
    return (
        f"field maps not used: {', '.join(names)} (an epi with opposite phase encoding is, else "
        "a phasediff, phase1 and phase2, or a fieldmap, with its magnitude; each must name the "
        "series in IntendedFor, or by B0FieldIdentifier)",
    )


def _rank(file: Found, series: Found) -> int | None:
    """Preference of an image, the lowest first, by the kind that its name says it is."""
    folder, suffix = file.path.parent.name, str(file.get("suffix"))
    if (folder, suffix) == ("fmap", "epi"):
        return 0
    if folder != series.path.parent.name or file.get("echo") != series.get("echo"):
        return None
    return {"sbref": 1, str(series.get("suffix")): _SERIES}.get(suffix)


def metadata_of(file: Found, root: Path) -> dict[str, Any]:
    """Sidecars of an image; none where they are damaged, which the step that needs them says."""
    try:
        return read_sidecars(inherited(file.path, ".json", root))
    except MotorBidsAppError:
        return {}


def is_meant(metadata: dict[str, Any], own: dict[str, Any], series: Found, root: Path) -> bool:
    """Whether a field map is for the series.

    Its ``B0FieldIdentifier`` is the ``B0FieldSource`` of the series, or both have one identifier;
    or ``IntendedFor`` names the series: by a BIDS URI of this dataset, or by a path from wherever.
    """
    sources = {*_texts(own.get("B0FieldSource")), *_texts(own.get("B0FieldIdentifier"))}
    if sources & {*_texts(metadata.get("B0FieldIdentifier"))}:
        return True
    return any(_names(text, series.path, root) for text in _texts(metadata.get("IntendedFor")))


def _names(text: str, path: Path, root: Path) -> bool:
    """Whether a BIDS URI, or a path from the dataset, a person, a session or '/', is of a file.

    The shorter of the two must be the end of the longer: names of BIDS say whose file it is.
    """
    if text.startswith("bids:"):
        dataset, _, text = text.removeprefix("bids:").partition(":")
        if not _is_here(dataset, root):
            return False
    named = [part for part in PurePosixPath(text.replace("\\", "/")).parts if part not in "/."]
    whole = path.relative_to(root).parts
    length = min(len(named), len(whole))
    return length > 0 and _plain(named[-length:]) == _plain(whole[-length:])


def _is_here(dataset: str, root: Path) -> bool:
    """Whether a name in a BIDS URI stands for this dataset; one that is linked nowhere does."""
    try:
        links = read_json(root / "dataset_description.json").get("DatasetLinks", {})
    except MotorBidsAppError:
        links = {}
    link = links.get(dataset) if isinstance(links, dict) else None
    if not dataset or not isinstance(link, str):
        return True
    return (root / unquote(link.removeprefix("file://"))).resolve() == root.resolve()


def _plain(parts: Sequence[str]) -> list[str]:
    """Parts of a path without compression, which IntendedFor often lacks or has too much."""
    return [part.removesuffix(".gz") for part in parts]


def _texts(value: object) -> Iterator[str]:
    """One text or a list of them, as BIDS allows for many fields."""
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, str):
            yield one
