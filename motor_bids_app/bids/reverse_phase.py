"""The image with opposite phase encoding that shows the distortion of a diffusion series."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from motor_bids_app.bids.files import read_json
from motor_bids_app.bids.search import Found, inherited, read_sidecars
from motor_bids_app.errors import MotorBidsAppError

_FIELD_MAPS = ("epi", "phasediff", "phase1", "phase2", "fieldmap")


@dataclass(frozen=True, kw_only=True)
class ReversePhase:
    """An image of the same session as a diffusion series, with phase encoding the other way.

    Parameters
    ----------
    path : Path
        A field map image (`fmap/*_epi`), another diffusion series, or its reference image.
    bval : Path or None
        Its b-values; None: no volume is weighted.
    sidecars : tuple of Path
        JSON files that apply to it, the most general first.
    """

    path: Path
    bval: Path | None = None
    sidecars: tuple[Path, ...] = ()


def find_reverse_phase(dwi: Found, images: Sequence[Found], root: Path) -> ReversePhase | None:
    """Find the image, by sidecars alone; None where there is none.

    Field maps that name the series come first (``IntendedFor``, or ``B0FieldIdentifier`` and the
    ``B0FieldSource`` of the series), then reference images and series beside it.

    Parameters
    ----------
    dwi : Found
        The series.
    images : sequence of Found
        Images of the same participant and session.
    root : Path
        The dataset that they are in.
    """
    own = metadata_of(dwi, root)
    direction = str(own.get("PhaseEncodingDirection", ""))
    opposite = direction[:-1] if direction.endswith("-") else f"{direction}-"
    if not direction:
        return None
    candidates: list[tuple[int, str, Found]] = []
    for file in images:
        rank = _rank(file)
        if rank is None or file.path == dwi.path:
            continue
        metadata = metadata_of(file, root)
        if metadata.get("PhaseEncodingDirection") != opposite:
            continue
        if rank == 0 and not is_meant(metadata, own, dwi, root):
            continue
        candidates.append((rank, file.path.name, file))
    if not candidates:
        return None
    path = min(candidates)[2].path
    tables = inherited(path, ".bval", root)
    return ReversePhase(
        path=path,
        bval=tables[-1] if tables else None,
        sidecars=tuple(inherited(path, ".json", root)),
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
        "a phasediff, phase1 and phase2, or a fieldmap, with its magnitude; each must name the dwi "
        "in IntendedFor, or by B0FieldIdentifier)",
    )


def _rank(file: Found) -> int | None:
    """Preference of an image, the lowest first, by the kind that its name says it is."""
    kinds = {("fmap", "epi"): 0, ("dwi", "sbref"): 1, ("dwi", "dwi"): 2}
    return kinds.get((file.path.parent.name, str(file.get("suffix"))))


def metadata_of(file: Found, root: Path) -> dict[str, Any]:
    """Sidecars of an image; none where they are damaged, which the step that needs them says."""
    try:
        return read_sidecars(inherited(file.path, ".json", root))
    except MotorBidsAppError:
        return {}


def is_meant(metadata: dict[str, Any], own: dict[str, Any], dwi: Found, root: Path) -> bool:
    """Whether a field map is for the series.

    Its ``B0FieldIdentifier`` is the ``B0FieldSource`` of the series, or both have one identifier;
    or ``IntendedFor`` names the series: by a BIDS URI of this dataset, or by a path from wherever.
    """
    sources = {*_texts(own.get("B0FieldSource")), *_texts(own.get("B0FieldIdentifier"))}
    if sources & {*_texts(metadata.get("B0FieldIdentifier"))}:
        return True
    return any(_names(text, dwi.path, root) for text in _texts(metadata.get("IntendedFor")))


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
    return (root / link.removeprefix("file://")).resolve() == root.resolve()


def _plain(parts: Sequence[str]) -> list[str]:
    """Parts of a path without compression, which IntendedFor often lacks or has too much."""
    return [part.removesuffix(".gz") for part in parts]


def _texts(value: object) -> Iterator[str]:
    """One text or a list of them, as BIDS allows for many fields."""
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, str):
            yield one
