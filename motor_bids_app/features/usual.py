"""What measures of a scan usually are: beyond, a reader should look before trusting the rest.

Unlike the limits of `plausibility`, which no living head crosses, these are crossed by some good
scans too: nothing is left out for it. They were chosen, not fitted to a cohort: tissue volumes for
adults of 40 to 90 years, with atrophy; limits of motion near those that papers leave people out by
(a mean displacement of 0.5 mm in resting-state bold, a voxel or so at most).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from motor_bids_app.features.plausibility import LEAST_SIMILARITY


@dataclass(frozen=True)
class Usual:
    """Range of a measure; None at an end that is open."""

    name: str  # for people, within a sentence
    low: float | None
    high: float | None
    unit: str = ""

    @property
    def text(self) -> str:
        """The range in words.

        >>> Usual("motion", None, 3.0, "mm").text, Usual("volume", 380, 850, "ml").text
        ('up to 3 mm', '380 to 850 ml')
        """
        if self.low is None:
            words = f"up to {self.high:g}"
        elif self.high is None:
            words = f"{self.low:g} or more"
        else:
            words = f"{self.low:g} to {self.high:g}"
        return f"{words} {self.unit}".strip()

    def holds(self, value: float) -> bool:
        """Whether a value is within the range; NaN is not."""
        above = value == value if self.low is None else value >= self.low
        return above and (self.high is None or value <= self.high)


USUAL: dict[str, Usual] = {
    "gm_ml": Usual("the volume of grey matter", 380, 950, "ml"),
    "wm_ml": Usual("the volume of white matter", 300, 700, "ml"),
    "csf_ml": Usual("the volume of fluid", 80, 650, "ml"),
    "snr_wm": Usual("the signal to noise of the head image", 5, None),
    "cnr": Usual("the contrast of grey to white matter", 0.8, None),
    "template_correlation": Usual("the correlation with the template", 0.6, None),
    "brain_dice": Usual("the overlap of the brain with the template's", 0.92, None),
    "brain_coverage": Usual("the share of the brain in the image", 0.95, None),
    "snr_b0": Usual("the signal to noise of the dwi", 8, None),
    "dwi_coverage": Usual("the share of the brain with diffusion", 0.85, None),
    "motion_mean_fd": Usual("the mean displacement during the dwi", None, 1.0, "mm"),
    "motion_max_fd": Usual("the largest displacement during the dwi", None, 3.0, "mm"),
    "motion_max_translation": Usual("the largest translation during the dwi", None, 3.0, "mm"),
    "motion_max_rotation": Usual("the largest rotation during the dwi", None, 3.0, "degrees"),
    "dwi_outlier_slices": Usual("the share of lost slices of the dwi", None, 0.05),
    "dwi_coregistration_similarity": Usual("the match of dwi and head", LEAST_SIMILARITY, None),
    "bold_mean_fd": Usual("the mean displacement during the bold", None, 0.5, "mm"),
    "bold_max_fd": Usual("the largest displacement during the bold", None, 3.0, "mm"),
    "bold_max_translation": Usual("the largest translation during the bold", None, 3.0, "mm"),
    "bold_max_rotation": Usual("the largest rotation during the bold", None, 3.0, "degrees"),
    "bold_tsnr": Usual("the temporal signal to noise of the bold", 20, None),
    "bold_coverage": Usual("the share of the brain with a bold signal", 0.8, None),
    "bold_coregistration_similarity": Usual("the match of bold and head", LEAST_SIMILARITY, None),
}


def unusual(measures: Mapping[str, object]) -> dict[str, str]:
    """Measures beyond their usual range, with a sentence on each; missing ones are not judged.

    >>> unusual({"motion_mean_fd": 3.4, "gm_ml": 500.0})
    {'motion_mean_fd': 'The mean displacement during the dwi is 3.4 mm (usual: up to 1 mm).'}
    """
    found = {}
    for name, usual in USUAL.items():
        value = measures.get(name)
        if isinstance(value, float | int) and value == value and not usual.holds(value):
            shown = f"{value:.3g} {usual.unit}".strip()
            words = f"{usual.name[0].upper()}{usual.name[1:]}"
            found[name] = f"{words} is {shown} (usual: {usual.text})."
    return found
