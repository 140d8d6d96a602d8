"""What the columns of the features table are called, and what they mean."""

import re
from collections.abc import Iterable
from functools import lru_cache

from motor_bids_app.errors import UsageError
from motor_bids_app.features.disconnection_columns import disconnection_columns
from motor_bids_app.features.measures import MEASURES
from motor_bids_app.features.signal_columns import signal_columns
from motor_bids_app.spaces.atlases import MOTOR_REGIONS

TRACT = "corticospinal_tract"
MISSING = "n/a"
_NAMES = 4096  # of columns that are remembered: tables of people have the same
ATLAS = "CerebrA"  # whose regions the columns are about

_MAPS = {
    "fa": ("fractional anisotropy", "arbitrary"),
    "md": ("mean diffusivity", "mm^2/s"),
    "rd": ("radial diffusivity", "mm^2/s"),
    "ad": ("axial diffusivity", "mm^2/s"),
    "gm": ("grey matter probability", "arbitrary"),
    "wm": ("white matter probability", "arbitrary"),
}
_PLACES = (*(region.lower() for region in MOTOR_REGIONS), TRACT)
_SHARES = {
    "lesion": "is lesioned",
    "scanned": "the head image shows",
    "dwi_scanned": "has diffusion maps",
}
# Regular expression of the columns that are means of maps over regions and tracts: these and no
# others, so that a column that somebody else named alike is never taken for one of them.
REGIONAL = rf"({'|'.join(_MAPS)})_({'|'.join(_PLACES)})_(left|right|asymmetry)"
_REGIONS = "|".join(place for place in _PLACES if place != TRACT)
_BY_REGION = rf"({'|'.join([*_MAPS, *_SHARES])})_({_REGIONS})_(left|right|asymmetry)"
_BY_AAL = re.compile(
    r"[a-z]+_(supp_motor_area|frontal_(sup|mid)_2|parietal_(sup|inf))_(left|right|asymmetry)"
)
# Columns that say how good a measurement was, and nothing of the brain.
QUALITY = (
    r"(snr|noise|motion|bold|dwi|brain|recorded|scanned)_.+|cnr|head_scanned|"
    r"(tensor|gradient|template)_[a-z]+|lesion_coregistration_similarity"
)

COLUMNS: dict[str, tuple[str, str]] = {
    "lesion_volume": (
        "Volume of the lesion in the standard space, which does not depend on the size of the head",
        "ml",
    ),
    "lesion_volume_ml": (
        "Lesion volume in native space: of the mask in its own voxels, or transformed to the head "
        "image if it was given in a standard space",
        "ml",
    ),
    "lesion_in_brain": (
        "Share of the lesion mask in the brain mask, before the lesion was added to that",
        "arbitrary",
    ),
    "tract_load_left": ("Share of the left corticospinal tract that is lesioned", "arbitrary"),
    "tract_load_right": ("Share of the right corticospinal tract that is lesioned", "arbitrary"),
    "tract_load": ("Share of the corticospinal tract that is lesioned, worse side", "arbitrary"),
    "tract_load_weighted_left": (
        "Lesioned volume of the left corticospinal tract, narrow sections weighing more",
        "ml",
    ),
    "tract_load_weighted_right": (
        "Lesioned volume of the right corticospinal tract, narrow sections weighing more",
        "ml",
    ),
    "tract_load_weighted": (
        "Lesioned volume of the corticospinal tract, narrow sections weighing more, worse side",
        "ml",
    ),
    **{
        f"tract_load_native{kind}{side}": (f"{what}{where}, in native space", unit)
        for kind, what, unit in (
            ("", "Share lesioned of the ", "arbitrary"),
            ("_weighted", "Lesioned volume, narrow sections weighing more, of the ", "ml"),
        )
        for side, where in (
            ("_left", "left corticospinal tract"),
            ("_right", "right corticospinal tract"),
            ("", "corticospinal tract, worse side"),
        )
    },
    "tract_distance_left": ("Distance from the lesion to the left corticospinal tract", "mm"),
    "tract_distance_right": ("Distance from the lesion to the right corticospinal tract", "mm"),
    **MEASURES,
    **dict(disconnection_columns()),
    **dict(signal_columns()),
}

_WORDS: dict[str, tuple[str, dict[str, str]]] = {
    "lesion_side": (
        "Side of the brain that the lesion is on",
        {
            "left": "more than nine tenths of the lesion",
            "right": "more than nine tenths of the lesion",
            "bilateral": "a tenth or more on either side",
            "none": "there is no lesion",
        },
    ),
    "lesion_mask": (
        "Whether there was a lesion mask",
        {
            "given": "there was one",
            "none": "there was none: the brain was processed as if it were intact",
        },
    ),
}

# Columns of `motor_bids_app.mri.regions.lesion_overlap`.
OVERLAP_COLUMNS: dict[str, dict[str, object]] = {
    "index": {"Description": "Number of the region; 0 is outside all regions"},
    "region": {
        "Description": "Region of CerebrA in the standard space, _L and _R for its side; outside: "
        "in no region, as most white matter is"
    },
    "region_ml": {"Description": "Volume of the region", "Units": "ml"},
    "lesioned_ml": {
        "Description": "Volume of the lesion in the region, in the standard space",
        "Units": "ml",
    },
    "share_of_region": {"Description": "Part of the region that is lesioned", "Units": "arbitrary"},
    "share_of_lesion": {
        "Description": "Part of the lesion that is in the region",
        "Units": "arbitrary",
    },
}


def are_regional(columns: Iterable[str]) -> list[bool]:
    """Whether each column is a mean of a map over a region or tract.

    >>> are_regional(["fa_thalamus_left", "age"])
    [True, False]
    """
    return [bool(re.fullmatch(REGIONAL, name)) for name in columns]


@lru_cache(_NAMES)
def is_feature(column: str) -> bool:
    """Whether the participant level writes a column of this name.

    >>> is_feature("fa_thalamus_left"), is_feature("fa_thalamus_score"), is_feature("fma_ue")
    (True, False, False)
    """
    try:
        _describe(column)
    except UsageError:
        return False
    return True


def of_earlier_regions(columns: Iterable[str]) -> set[str]:
    """Columns about regions in a table of an earlier version, which measured those of AAL.

    Some of its regions have the names of ours, and are others.

    >>> sorted(of_earlier_regions(["fa_thalamus_left", "lesion_frontal_sup_2_left", "snr_wm"]))
    ['fa_thalamus_left', 'lesion_frontal_sup_2_left']
    >>> of_earlier_regions(["fa_thalamus_left", "lesion_superior_frontal_left"])
    set()
    """
    known = set(columns)
    earlier = {column for column in known if _BY_AAL.fullmatch(column)}
    return earlier and earlier | {column for column in known if re.fullmatch(_BY_REGION, column)}


@lru_cache(_NAMES)
def is_text(column: str) -> bool:
    """Whether the cells of a feature column are words.

    >>> is_text("lesion_side"), is_text("lesion_volume")
    (True, False)
    """
    return "Levels" in _describe(column)


def dictionary_for(columns: Iterable[str]) -> dict[str, dict[str, object]]:
    """Return the data dictionary of feature columns, as BIDS wants it beside a table.

    Raises
    ------
    UsageError
        A column is unknown.

    Examples
    --------
    >>> dictionary_for(["md_thalamus_left"])["md_thalamus_left"]["Units"]
    'mm^2/s'
    """
    return {column: _describe(column) for column in columns}


def _describe(column: str) -> dict[str, object]:
    if column in _WORDS:
        description, levels = _WORDS[column]
        return {"Description": description, "Levels": dict(levels)}
    if column in COLUMNS:
        description, units = COLUMNS[column]
        return {"Description": description, "Units": units}
    for pattern, what in _SHARES.items():
        match = re.fullmatch(rf"{pattern}_(.+)_(left|right)", column)
        if match and match[1] in _PLACES and (pattern, match[1]) != ("lesion", TRACT):
            place = f"{match[2]} {_in_words(match[1])}"
            return {"Description": f"Share of the {place} that {what}", "Units": "arbitrary"}
    match = re.fullmatch(REGIONAL, column)
    if not match:
        raise UsageError(f"Feature column {column!r} is unknown: it has no description.")
    quantity, units = _MAPS[match[1]]
    place = f"{_in_words(match[2])}, lesion left out"
    if match[3] == "asymmetry":
        return {
            "Description": f"Asymmetry of {quantity}, (left - right) / (left + right): {place}",
            "Units": "arbitrary",
        }
    return {"Description": f"Mean {quantity}: {match[3]} {place}", "Units": units}


def _in_words(place: str) -> str:
    """Name of a region or tract for people.

    >>> _in_words("superior_frontal")
    'superior frontal (CerebrA)'
    """
    return place.replace("_", " ") + ("" if place == TRACT else f" ({ATLAS})")
