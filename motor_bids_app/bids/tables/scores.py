"""Motor and stroke scores, and what a table may call them."""

import operator
import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

_COMPARE = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
_LABELS = {
    "fma_ue": "FMA-UE", "fma_le": "FMA-LE", "fma_motor": "FMA motor", "arat": "ARAT", "bbt": "BBT",
    "nhpt": "NHPT", "nihss": "NIHSS", "mrs": "mRS", "barthel": "Barthel Index",
}  # fmt: skip


@dataclass(frozen=True)
class Cutoff:
    """The values of a score that count as a poor outcome, and who says so.

    >>> str(Cutoff("<", 27, "Karakis et al. 2023"))
    '< 27 (Karakis et al. 2023)'
    """

    comparison: str
    value: float
    source: str

    def __post_init__(self) -> None:
        if self.comparison not in _COMPARE:
            raise ValueError(f"{self.comparison!r} is none of {', '.join(_COMPARE)}")

    def is_poor(self, values: ArrayLike) -> NDArray[np.bool_]:
        """Boolean array of the shape of `values`; a missing value is not poor."""
        return np.asarray(_COMPARE[self.comparison](np.asarray(values), self.value))

    def __str__(self) -> str:
        return f"{self.comparison} {self.value:g} ({self.source})"


@dataclass(frozen=True, kw_only=True)
class Score:
    """A clinical score: its column name here, its range, and which end is good.

    Parameters
    ----------
    name, title : str
        Column name in resolved tables; name for people.
    aliases : tuple of str
        Other column names; case, spaces and punctuation do not matter.
    minimum, maximum : float
        Limits of valid values, in `unit`.
    unit : str
        Unit of the values.
    higher_is_better : bool
        Direction.
    poor : Cutoff or None
        Usual definition of a poor outcome; None where none is established.
    bands : tuple of float
        Lowest value of each usual class of severity but the first; empty where none are usual.
    """

    name: str
    title: str
    aliases: tuple[str, ...] = ()
    minimum: float
    maximum: float
    unit: str = "points"
    higher_is_better: bool = True
    poor: Cutoff | None = None
    bands: tuple[float, ...] = ()

    @property
    def label(self) -> str:
        """Short name for people: 'FMA-UE'; the title of a score that has none."""
        return _LABELS.get(self.name, self.title)

    @property
    def best(self) -> float:
        """The end of the range that is good."""
        return self.maximum if self.higher_is_better else self.minimum

    @property
    def range_text(self) -> str:
        """'0 to 66 points'."""
        return f"{self.minimum:g} to {self.maximum:g} {self.unit}"


SCORES: dict[str, Score] = {
    score.name: score
    for score in (
        Score(
            name="fma_ue", title="Fugl-Meyer Assessment, upper extremity", minimum=0, maximum=66,
            aliases=(
                "fmaue", "fmue", "uefma", "uefm", "fmul", "fmaul", "ulfma", "ulfm", "fuglmeyerue",
                "fuglmeyerul", "fuglmeyerupperextremity", "fuglmeyerupperlimb", "fuglmeyerarm",
                "fuglmeyerassessmentue", "fuglmeyerassessmentupperextremity", "fmupper",
                "fmaupper", "fmaupperextremity", "fmaupperlimb", "fmaarm", "fmarm",
            ),
            poor=Cutoff("<", 27, "Karakis et al. 2023"),
            # no, poor, limited, notable and full capacity of the arm, by the ARAT six months after
            # stroke: 0-22, 23-31, 32-47, 48-52, 53-66 (Hoonhorst et al. 2015, Arch Phys Med
            # Rehabil 96:1845, doi 10.1016/j.apmr.2015.06.009)
            bands=(23, 32, 48, 53),
        ),
        Score(
            name="fma_le", title="Fugl-Meyer Assessment, lower extremity", minimum=0, maximum=34,
            aliases=(
                "fmale", "fmle", "lefma", "lefm", "fmll", "fmall", "llfma", "llfm", "fuglmeyerle",
                "fuglmeyerll", "fuglmeyerlowerextremity", "fuglmeyerlowerlimb", "fuglmeyerleg",
                "fuglmeyerassessmentle", "fuglmeyerassessmentlowerextremity", "fmlower",
                "fmalower", "fmalowerextremity", "fmalowerlimb", "fmaleg", "fmleg",
            ),
            poor=Cutoff("<=", 17, "Shi et al. 2025"),
        ),
        Score(
            name="fma_motor", title="Fugl-Meyer Assessment, motor total", minimum=0, maximum=100,
            aliases=(
                "fmamotor", "fmmotor", "fuglmeyermotor", "fuglmeyermotortotal", "fmamotortotal",
                "fmmotortotal",
            ),
            poor=Cutoff("<", 50, "severe motor impairment, Fugl-Meyer 1980"),
        ),
        Score(
            name="arat", title="Action Research Arm Test", minimum=0, maximum=57,
            aliases=("actionresearcharmtest", "arattotal", "aratscore"),
            poor=Cutoff("<=", 21, "no or poor capacity, Hoonhorst et al. 2015"),
        ),
        Score(
            name="bbt", title="Box and Block Test", minimum=0, maximum=150, unit="blocks/min",
            aliases=("boxandblock", "boxandblocks", "boxandblocktest", "boxblocktest", "boxblock"),
        ),
        Score(
            name="nhpt", title="Nine Hole Peg Test", minimum=5, maximum=600, unit="s",
            aliases=("ninehole", "nineholepeg", "nineholepegtest", "9hpt", "9holepegtest"),
            higher_is_better=False,
        ),
        Score(
            name="grip", title="Grip strength", minimum=0, maximum=120, unit="kg",
            aliases=("gripstrength", "handgrip", "gripforce", "handgripstrength", "dynamometry"),
        ),
        Score(
            name="motricity_index", title="Motricity Index", minimum=0, maximum=100,
            aliases=("motricity", "motricityindextotal", "motricityarm", "miarm"),
        ),
        Score(
            name="nihss", title="NIH Stroke Scale", minimum=0, maximum=42,
            aliases=(
                "nihstrokescale", "nihstrokescore", "nihssscore", "nihsstotal", "nihsssum",
                "nihssadmission", "admissionnihss", "nationalinstitutesofhealthstrokescale",
            ),
            higher_is_better=False,
            poor=Cutoff(">=", 5, "above minor stroke, 0 to 4 of the NIHSS severity bands"),
        ),
        Score(
            name="mrs", title="Modified Rankin Scale", minimum=0, maximum=6,
            aliases=(
                "modifiedrankin", "modifiedrankinscale", "rankin", "rankinscale", "rankinscore",
                "mrsscore", "mrs90", "mrs90days", "mrsdischarge", "gsrankin", "gsrankin6isdeath",
            ),
            higher_is_better=False,
            poor=Cutoff(">=", 3, "dependent: independence is 0 to 2"),
            bands=(1, 2, 3, 4, 5, 6),
        ),
        Score(
            name="barthel", title="Barthel Index", minimum=0, maximum=100,
            aliases=("barthelindex", "barthelscore", "bartheltotal", "mbi", "modifiedbarthel"),
            poor=Cutoff("<", 60, "dependent, Granger et al. 1979"),
        ),
    )
}  # fmt: skip

DEMOGRAPHICS: dict[str, tuple[str, ...]] = {
    "age": (
        "ageyears", "ageatscan", "ageatmri", "ageatassessment", "ageattesting", "agey",
        "ageinyears",
    ),
    "sex": ("gender", "biologicalsex", "sexatbirth"),
    "time_since_stroke": (
        "tss", "timesinceonset", "timepoststroke", "timesincestroke", "timeafterstroke",
        "timefromstroke", "chronicity", "dayspoststroke", "dayssincestroke", "daysafterstroke",
        "weekspoststroke", "weekssincestroke", "weeksafterstroke", "yearsafterstroke",
        "monthspoststroke", "monthssincestroke", "monthsafterstroke", "yearspoststroke",
        "yearssincestroke", "timepoststrokedays", "timepoststrokemonths", "timesincestrokedays",
        "timesincestrokeweeks", "timesincestrokemonths", "timesincestrokeyears", "tssdays",
        "tssmonths", "tssweeks", "tssyears", "strokeduration", "durationpoststroke",
    ),
    "handedness": ("dominanthand", "handdominance", "handpreference"),
    "lesion_side": (
        "lesionhemisphere", "lesionedhemisphere", "strokehemisphere", "hemisphere",
        "affectedhemisphere", "ipsilesionalhemisphere", "lesionside", "sideoflesion",
        "infarctside", "hemispherelesion", "lesionlaterality", "injuredhemisphere",
    ),
    "paretic_side": (
        "pareticside", "paretichand", "pareticarm", "affectedhand", "affectedarm",
        "affectedlimb", "impairedhand", "impairedarm", "hemiparesisside", "weakside",
        "sideofparesis", "sideofweakness", "hemipareticside", "plegicside", "paresisside",
    ),
    "site": ("center", "centre", "scanner", "scannersite", "institution", "siteid"),
    "group": ("participantgroup", "cohort", "diagnosis", "diagnosticgroup", "subjectgroup", "dx"),
}  # fmt: skip

# Names that may mean more than one variable: the question, and one answer.
_SIDE = ("hemisphere or body?", "lesion_side")
_FUGL_MEYER = ("upper or lower extremity, or motor total?", "fma_ue")
AMBIGUOUS: dict[str, tuple[str, str]] = {
    **dict.fromkeys(
        ("side", "strokeside", "affectedside", "moreaffectedside", "laterality", "sideofstroke"),
        _SIDE,
    ),
    **dict.fromkeys(
        (
            "fma",
            "fm",
            "fuglmeyer",
            "fmascore",
            "fuglmeyerscore",
            "fuglmeyerassessment",
            "fmatotal",
            "fmtotal",
            "fuglmeyertotal",
            "totalfma",
            "totalfm",
            "fmasum",
        ),
        _FUGL_MEYER,
    ),
    **dict.fromkeys(
        ("ageatstroke", "ageatonset", "ageatstrokeonset", "ageofonset", "ageatinjury"),
        ("at the time of the examination, too?", "age"),
    ),
    "hand": ("handedness, or the affected hand?", "handedness"),
}


def normalise(column: str) -> str:
    """Reduce a column name to lower-case letters and digits.

    >>> normalise("Fugl-Meyer_UE")
    'fuglmeyerue'
    """
    return re.sub("[^0-9a-z]", "", column.lower())


def recognise(column: str) -> str | None:
    """Return the registry name that a column name stands for, or None.

    >>> recognise("FMA-UE"), recognise("gs_rankin_6isdeath"), recognise("bmi")
    ('fma_ue', 'mrs', None)
    """
    return _NAMES.get(normalise(column))


_NAMES: dict[str, str] = {
    normalise(alias): name
    for name, aliases in (
        *((score.name, (score.name, *score.aliases)) for score in SCORES.values()),
        *((name, (name, *aliases)) for name, aliases in DEMOGRAPHICS.items()),
    )
    for alias in aliases
}
