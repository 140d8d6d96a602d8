"""Lesion masks under all the names they have in the wild, and the image each belongs to."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

STANDARD = "standard"  # instead of the name of an image of the participant
# Spaces of the MNI152 template and its kin. MNI305, infants' and single brains differ in size.
_STANDARD_SPACES = re.compile("(MNI|ICBM)(152.*)?|IXI549Space", re.IGNORECASE)
_IMAGE_BY_SPACE = {
    "t1w": "T1w",
    "t1": "T1w",
    "t2w": "T2w",
    "t2": "T2w",
    "flair": "FLAIR",
    "dwi": "dwi",
    "trace": "dwi",
    "adc": "dwi",
    "b0": "dwi",
}
_UNNAMED_SPACES = ("orig", "native", "individual", "scanner", "subject")
_SIDE = "left|right"
_LESION = re.compile(rf"(T1w?|T2w?|FLAIR|dwi)?({_SIDE})?lesions?([0-9]+|{_SIDE})?", re.IGNORECASE)
_LABEL = re.compile("L[0-9]*")  # BIDS: label-L is the lesion
_LIKELY = re.compile(
    rf"lesion|stroke|infarct|lacun|h(a)?emorrh|label-({_SIDE}|R)_|label-L[0-9]*_(prob|d)?seg",
    re.IGNORECASE,
)
TAKEN_NAMES = "label-L_mask, label-lesion_roi, desc-lesion_mask, desc-lesion2_mask, lesion and msk"


@dataclass(frozen=True, kw_only=True)
class LesionFile:
    """A lesion mask, and what it was drawn on.

    Parameters
    ----------
    path : Path
        The mask.
    participant, session : str, str or None
        Labels; no session: the mask is for all sessions of the participant.
    space : str or None
        Space as written in the name.
    image : str or None
        'T1w', 'T2w', 'FLAIR' or 'dwi': drawn on that image of the participant;
        'standard': in the standard space `space`; None: not said.
    dataset : str
        'raw', or the name of the derivative dataset that holds it.
    drawn_on : Path or None
        That image, where it is not the participant's raw image of that name in the session.
    parts : tuple of Path
        Masks of further parts of the lesion.
    """

    path: Path
    participant: str
    session: str | None = None
    space: str | None = None
    image: str | None = None
    dataset: str = "raw"
    drawn_on: Path | None = None
    parts: tuple[Path, ...] = ()

    @property
    def paths(self) -> list[Path]:
        """The masks of all its parts."""
        return [self.path, *self.parts]

    @property
    def whole(self) -> tuple[str, str]:
        """Dataset, and the name without what tells parts of one lesion apart.

        >>> LesionFile(path=Path("sub-1_run-2_label-L_mask.nii"), participant="1").whole
        ('raw', 'sub-1_label-L_mask')
        """
        kept = []
        for part in self.path.name.split(".")[0].split("_"):
            key, _, label = part.partition("-")
            drawn = _LESION.fullmatch(label)
            if key in ("run", "hemi") or re.fullmatch(_SIDE, label, re.IGNORECASE):
                continue
            if key == "label" and _LABEL.fullmatch(label):
                kept.append("label-L")
            elif key in ("label", "desc") and drawn:
                kept.append(f"{key}-{drawn[1] or ''}lesion")
            else:
                kept.append(part)
        return self.dataset, "_".join(kept)

    @property
    def is_standard(self) -> bool:
        """Whether the mask is in a standard space already."""
        return self.image == STANDARD


def is_lesion_name(entities: Mapping[str, Any], folder: str = "") -> bool:
    """Tell by its BIDS entities (pybids names) whether a file is a mask of a lesion.

    Parameters
    ----------
    entities : mapping
    folder : str
        Folders that it is in: where they say lesion, a mask may say no more than its side.

    Examples
    --------
    >>> is_lesion_name({"label": "L", "suffix": "mask"})
    True
    >>> is_lesion_name({"desc": "lesion2", "suffix": "mask"})
    True
    >>> is_lesion_name({"desc": "lesionAcute", "suffix": "mask"})  # one phase of it
    False
    """
    label, desc, suffix = (entities.get(key) or "" for key in ("label", "desc", "suffix"))
    if re.fullmatch("msk|lesions?", suffix, re.IGNORECASE):  # ISLES; named by their suffix alone
        return True
    if suffix.lower() not in ("mask", "roi"):
        return False
    if label and re.fullmatch(_SIDE, label, re.IGNORECASE):
        return bool(_LESION.fullmatch(desc) or "lesion" in folder.lower())
    if label:
        return bool(_LABEL.fullmatch(label) or _LESION.fullmatch(label))
    return _LESION.fullmatch(desc) is not None


def is_likely_lesion(name: str) -> bool:
    """Whether a name that is not taken sounds like that of a lesion mask.

    >>> is_likely_lesion("sub-1_desc-infarct_mask.nii.gz"), is_likely_lesion("sub-1_stroke.nii.gz")
    (True, True)
    """
    suffix = name.split(".")[0].rpartition("_")[2]
    if _LIKELY.search(suffix):
        return True
    is_mask = suffix.lower() in ("mask", "roi", "dseg", "probseg", "seg", "msk")
    return is_mask and bool(_LIKELY.search(name))


def lesion_image(
    entities: Mapping[str, Any], name: str, sidecar: Mapping[str, Any] | None = None
) -> str | None:
    """Return the image a lesion mask was drawn on, as in `LesionFile.image`.

    The space decides; without one the description (``desc-T1lesion``), an image named in
    the middle (``_T1w_label-lesion_roi``), the only image among the sources of its sidecar, and
    last the folder, where it is ``dwi``.

    >>> lesion_image({"space": "TRACE"}, "sub-1_space-TRACE_desc-lesion_mask.nii.gz")
    'dwi'
    >>> lesion_image({}, "sub-1_T1w_label-lesion_roi.nii.gz")
    'T1w'
    """
    space = entities.get("space") or ""
    if _STANDARD_SPACES.fullmatch(space):
        return STANDARD
    if space and space.lower() not in _UNNAMED_SPACES:
        return _IMAGE_BY_SPACE.get(space.lower(), space)
    drawn_on = _LESION.fullmatch(entities.get("desc") or "")
    if drawn_on and drawn_on[1]:
        return _IMAGE_BY_SPACE[drawn_on[1].lower()]
    named = re.search("_(T1w|T2w|FLAIR|dwi)_label", name)
    if named:
        return named[1]
    sources = {image for image in map(_source, _sources(sidecar or {})) if image}
    if len(sources) == 1:
        return sources.pop()
    return "dwi" if entities.get("datatype") == "dwi" else None


def _sources(sidecar: Mapping[str, Any]) -> list[str]:
    """What a sidecar names as the files that the mask was made from."""
    named: list[str] = []
    for key in ("SpatialReference", "Sources", "RawSources"):
        value = sidecar.get(key)
        named += [text for text in (value if isinstance(value, list) else [value]) if text]
    return [text for text in named if isinstance(text, str)]


def _source(text: str) -> str | None:
    """Contrast of a file by its name: 'bids:raw:sub-1/anat/sub-1_T1w.nii.gz' is a T1w."""
    found = re.search(r"_(T1w|T2w|FLAIR|dwi)\.nii(\.gz)?$", text)
    return found[1] if found else None
