"""Measures that no brain, head or scanner gives: what is said of them, and what depends on them.

Faults of inputs and of processing that no single check foresees end in numbers that cannot be:
white matter of 89 ml, a signal to noise of 1,009, the diffusivity of water in the place of tissue.
Limits are wide: they leave in every head that was seen alive, old, struck or both.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

DIFFUSION = ("fa", "md", "rd", "ad")
TISSUE = ("gm", "wm")
BOLD = ("fc", "dfc_mean", "dfc_std")
LEAST_SIMILARITY = 0.4  # as `mri.rigid` has it, which takes long to import
# Where the lesion is, what it cuts, and where M1 is on its side.
_LESION = r"(lesion|tract|disconnection)_(?!mask$).*|m1_coupling.*"


@dataclass(frozen=True, kw_only=True)
class Limit:
    """Values that a measure can have, and what is doubtful beyond them.

    Parameters
    ----------
    measure : str
        Column of the features table.
    low, high : float
        In its unit.
    words : str
        What it is, to begin a sentence with.
    cause : str
        What is likely wrong, and where to look.
    maps : tuple of str
        Maps, and the columns measured in them, that models must not read then.
    columns : str
        Regular expression of other columns that they must not read then.
    scale, unit : float, str
        How the value is printed.
    said : bool
        Whether the step that measures it warns of it.
    """

    measure: str
    low: float
    high: float
    words: str
    cause: str
    maps: tuple[str, ...] = ()
    columns: str = "(?!)"
    scale: float = 1.0
    unit: str = ""
    said: bool = False

    def spoils(self, column: str) -> bool:
        """Whether a column of the features table depends on the measure."""
        of_maps = rf"({'|'.join(self.maps)})_(?!mask$).*|white_matter_({'|'.join(self.maps)})"
        depends = f"{of_maps}|{self.columns}" if self.maps else self.columns
        return bool(re.fullmatch(depends, column))

    def sentence(self, value: float) -> str:
        """What to say of a value beyond the limits."""
        low, high, shown = (f"{self.scale * x:.3g}" for x in (self.low, self.high, value))
        return (
            f"{self.words} is {shown}{self.unit}, where {low} to {high}{self.unit} can be: "
            f"{self.cause}"
        )


LIMITS = (
    Limit(
        measure="gm_wm_ratio",
        low=0.8,
        high=2.2,
        words="The volume of grey over white matter",
        cause="the segmentation of tissue failed. Look at the tissue maps.",
        maps=TISSUE,
        columns="(gm|wm|csf)_ml|gm_wm_ratio|cnr|snr_wm",
    ),
    Limit(
        measure="white_matter_fa",
        low=0.2,
        high=0.65,
        words="The median FA of white matter",
        cause="b-values, b-vectors or the volumes are not what they are called, or the series lies "
        "elsewhere. Look at the tensor maps.",
        maps=DIFFUSION,
    ),
    Limit(
        measure="white_matter_md",
        low=4.5e-4,
        high=1.15e-3,
        words="The median MD of white matter",
        cause="b-values are in another unit, or volumes are not what they are called. Look at the "
        "b-values.",
        maps=DIFFUSION,
        scale=1e3,
        unit="e-3 mm2/s",
    ),
    Limit(
        measure="snr_b0",
        low=3.0,
        high=300.0,
        words="The signal to noise of the dwi without weighting",
        cause="noise was estimated wrongly, as in a series that was smoothed, or denoised, before.",
        columns="snr_b0|snr_dwi|noise_dwi",
    ),
    Limit(
        measure="template_correlation",
        low=0.3,
        high=1.0,
        words="The correlation of the T1w with the template",
        cause="the registration to the standard space failed. Look at the registration.",
        maps=(*DIFFUSION, *TISSUE, *BOLD, "lesion"),
        columns=_LESION,
    ),
    Limit(
        measure="brain_dice",
        low=0.85,
        high=1.0,
        words="The overlap of the brain with that of the template",
        cause="the brain mask or the registration failed, or a part of the brain is not in the "
        "image. Look at both.",
        maps=(*DIFFUSION, *TISSUE),
    ),
    Limit(
        measure="lesion_coregistration_similarity",
        low=LEAST_SIMILARITY,
        high=1.0,
        words="The share of the head's edges that meet those of the image of the lesion",
        cause="the lesion may lie in the wrong place. Look at it on the head.",
        maps=(*BOLD, "lesion"),
        columns=_LESION,
        said=True,
    ),
    Limit(
        measure="dwi_coregistration_similarity",
        low=LEAST_SIMILARITY,
        high=1.0,
        words="The share of the head's edges that meet those of the dwi",
        cause="the dwi may lie in the wrong place. Look at it on the head.",
        maps=DIFFUSION,
        said=True,
    ),
    Limit(
        measure="bold_coregistration_similarity",
        low=LEAST_SIMILARITY,
        high=1.0,
        words="The share of the head's edges that meet those of the bold",
        cause="the bold may lie in the wrong place. Look at it on the head.",
        maps=BOLD,
        columns="m1_coupling.*",
        said=True,
    ),
    Limit(
        measure="motion_mean_fd",
        low=0.0,
        high=2.5,
        words="The mean displacement between volumes of the dwi",
        cause="nobody could be scanned so, or the motion was estimated wrongly.",
        maps=DIFFUSION,
        unit=" mm",
    ),
    Limit(
        measure="motion_max_translation",
        low=0.0,
        high=15.0,
        words="The largest translation during the dwi",
        cause="volumes were placed wrongly. Look at the motion.",
        maps=DIFFUSION,
        unit=" mm",
    ),
    Limit(
        measure="dwi_shell_jump",
        low=0.0,
        high=8.0,
        words="The distance of the volumes of one b-value from the b = 0 volumes beside them",
        cause="a whole shell was placed wrongly. Look at the motion.",
        maps=DIFFUSION,
        unit=" mm or degrees",
    ),
    Limit(
        measure="dwi_coverage",
        low=0.4,
        high=1.0,
        words="The share of the brain that has diffusion",
        cause="the dwi lies elsewhere, or shows but a part of it. Look at the tensor maps.",
        maps=DIFFUSION,
    ),
    Limit(
        measure="bold_coverage",
        low=0.4,
        high=1.0,
        words="The share of the brain where the bold has a signal",
        cause="the bold lies elsewhere, or shows but a part of it. Look at it on the head.",
        maps=BOLD,
        columns="m1_coupling.*",
    ),
    Limit(
        measure="bold_mean_fd",
        low=0.0,
        high=2.0,
        words="The mean displacement between volumes of the bold",
        cause="nobody could be scanned so, or the motion was estimated wrongly.",
        maps=BOLD,
        columns="m1_coupling.*",
        unit=" mm",
    ),
    Limit(
        measure="bold_tsnr",
        low=8.0,
        high=1000.0,
        words="The temporal signal to noise of the bold",
        cause="the series is not a raw bold, or hardly has a signal.",
        maps=BOLD,
        columns="m1_coupling.*",
    ),
)
NAMES = tuple(limit.measure for limit in LIMITS)


def doubts(row: Mapping[str, object], allowed: Iterable[str] = ()) -> list[tuple[Limit, float]]:
    """Limits that the measures of a participant and session break, with their values.

    Parameters
    ----------
    row : mapping
        Columns of the features table; what is missing breaks no limit.
    allowed : iterable of str
        Measures that may be beyond their limits.
    """
    free = set(allowed)
    found = []
    for limit in LIMITS:
        value = row.get(limit.measure)
        if limit.measure in free or not isinstance(value, float | int):
            continue
        if value < limit.low or value > limit.high:
            found.append((limit, float(value)))
    return found
