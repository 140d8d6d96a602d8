"""What a data dictionary says of a column: units, codes, missing values, and what it is not."""

import re
from collections.abc import Mapping
from typing import Any

from motor_bids_app.bids.tables.scores import SCORES, Score
from motor_bids_app.bids.tables.words import means_missing

_TIMES = "hour|day|week|month|year"
_MISSING_KEYS = {
    "missingvalues", "missingvalue", "missing", "missingcodes", "missingcode", "navalues",
    "navalue", "nodata", "nodatavalue",
}  # fmt: skip
_NUMBER = r"[-\u2212]?[0-9]+(?:\.[0-9]+)?"
_CODED_MISSING = (  # '-999 = missing', '99: not tested'
    rf"(?<![\w.])({_NUMBER})\s*(?:=|:|is|means?|denotes?|indicates?|stands for|for|"
    r"represents?|if|when|where)\s*"
    r"([^,;.()0-9]{2,40})"
)
_MISSING_CODED = (  # 'missing values are coded as -999', 'missing = -9'
    r"\b(missing|unknown|not (?:available|done|tested|applicable)|no data)\b[a-z ]{0,25}"
    rf"(?:=|:|as|by|with|is|are|coded)\s*({_NUMBER})(?!\w|\.[0-9])"
)
_SHARE_UNIT = re.compile(r"%|\bpercent|\bpct\b|\bproportion\b|\bfraction\b|\bz\b|[zt][- ]?score")
_SHARE = re.compile(
    r"(?:^|\. )percent\b|\(%|% of\b|\bin %|"
    r"\b(?:percentages?|percentiles?|(?:in|as) (?:a )?percent|percent of|proportion of|"
    r"fraction of|[zt][- ]?scores?)\b|\bnormali[sz]ed (?:to|by|score)|"
    r"\bstandardi[sz]ed (?:score|value)|\bpredicted\b"
)
_CHANGE = re.compile(
    r"(?:^|\. )(?:the |absolute |relative )?(?:change|difference|improvement|gain|delta)s?\b|"
    r"\b(?:change|difference|improvement|gain|delta)s? (?:scores?\b|from|since|between|relative)|"
    r"\bfrom baseline\b"
)
_OTHER_LIMB = re.compile(
    r"\b(?:unaffected|unimpaired|non[- ]?paretic|non[- ]?affected|less[- ]affected|healthy|sound|"
    r"intact|good|ipsilesional)[- ](?:side|hand|arm|limb|upper|leg|lower|extremit)"
)
_EARLIER = re.compile(
    r"\b(?:pre-?morbid|pre-?stroke|before (?:the )?stroke|prior to (?:the )?stroke)"
)
_SENSORY = re.compile(r"\b(?:sensory|sensation|joint pain|range of motion)\b")
_AGE_AT = re.compile(
    r"\bat (?:the )?(?:time of )?(?:the |their |first |index )*(?:stroke|onset|injury|ictus|event|"
    r"diagnosis|birth)\b|\bage of (?:onset|stroke)|\b(?:gestational|maternal|mother|father|parent)"
)
_TIME_TO = re.compile(
    r"\b(?:from|between)\b.{0,40}\b(?:to|and|until)\b.{0,20}\b(?:admission|arrival|treatment|needle|"
    r"thrombolysis|thrombectomy|therapy|discharge)"
)
_HEALTHY_SIDE = re.compile(
    r"\b(?:unaffected|unimpaired|unlesioned|healthy|intact|sound|spared|less[- ]affected|"
    r"contralesional|non[- ]?(?:lesioned|paretic|affected|dominant)|dominant|preferred|tested)\b"
)
_BRAIN = re.compile(r"\b(?:hemispher|brain|lesion|infarct|stroke)")
_BODY = re.compile(r"\b(?:body|hand|arm|leg|limb|(?:hemi)?pare|weak|(?:hemi)?plegi)")
_WORSE = (
    r"(?:wors[et]|poor(?:er|est)?\b|dead\b|death\b|paraly|(?:hemi)?plegi|bedridden|dependent|"
    r"(?:more|greater|higher|severe|complete|maxim\w+|total) "
    r"(?:motor )?(?:severe|impair|disab|deficit|severity)|no (?:movement|function)\b)"
)
_BETTER = (
    r"(?:better\b|best\b|normal|asymptomatic|independen|healthy\b|"
    r"(?:no|less|lower|milder|without) "
    r"(?:motor |significant )?(?:severe|impair|disab|deficit|symptoms?\b|severity)|"
    r"(?:more|greater|higher|full|good|intact) "
    r"(?:motor )?(?:function|recovery|independence|performance|capacity))"
)
_IS = r"\W{0,3}(?:is|are|means?|indicates?|reflects?|represents?|denotes?|stands? for)?\s*(?:a )?"
_TOLD = re.compile(  # 'higher scores indicate worse function', '66 = normal'
    rf"\b(?:(?P<way>higher|larger|lower|smaller)(?: (?:scores?|values?|numbers?|points))?|"
    rf"(?P<number>[0-9]+)){_IS}(?:(?P<worse>{_WORSE})|(?P<better>{_BETTER}))"
)
_REVERSED = re.compile(r"\b(?:reversed?|inverted|flipped)\b")
_NAME_PARTS = re.compile(  # of a column's name, between which is no letter
    r"(?<![a-z])(percent|percentage|pct|perc|prop|norm|normed|normali[sz]ed|change|delta|diff|"
    r"difference|gain|improvement|predicted|z|zscore|premorbid|pre-?stroke|sensory|non|un|"
    r"unaffected|nonparetic|unimpaired|healthy|less|intact|contralesional|item|category|class|"
    r"group|cat|bin|binary)(?![a-z])|^(?:non|un)(?=paretic|affected|lesion|impaired)|%"
)


def text_of(description: Mapping[str, Any]) -> str:
    """Name, description and what is derived, in one lower-case text."""
    parts = (description.get(key) for key in ("LongName", "Description", "Derivative"))
    return ". ".join(part for part in parts if isinstance(part, str)).lower()


def units_of(description: Mapping[str, Any]) -> str:
    """Declared units; '' where there are none that are text."""
    units = description.get("Units")
    return units.strip() if isinstance(units, str) else ""


def times_in(text: str) -> set[str]:
    """Units of time in a text, in the singular.

    >>> times_in("Number of days since onset")
    {'day'}
    """
    return set(re.findall(rf"\b({_TIMES})s?\b", text.lower()))


def unit_told(text: str) -> str:
    """The one unit of time that a description states; '' where it states none, or several.

    >>> unit_told("Time since stroke, in days"), unit_told("time at the 3-month visit")
    ('day', '')
    """
    told = (
        rf"\b(?:in|number of) ({_TIMES})s?\b|\b({_TIMES})s (?:since|after|post|from|between|of age|"
        rf"elapsed)|[(\[]({_TIMES})s?[)\]]"
    )
    found = {unit for parts in re.findall(told, text.lower()) for unit in parts if unit}
    return found.pop() if len(found) == 1 else ""


def levels_of(description: Mapping[str, Any]) -> dict[str, str]:
    """Declared codes with their meaning."""
    levels = description.get("Levels")
    if not isinstance(levels, dict):
        return {}
    return {str(code).strip(): _meaning(meaning) for code, meaning in levels.items()}


def _meaning(meaning: object) -> str:
    if isinstance(meaning, dict):
        keys = ("Description", "Label", "Name", "LongName")
        meaning = next((meaning[key] for key in keys if isinstance(meaning.get(key), str)), "")
    return str(meaning).strip()


def missing_codes(description: Mapping[str, Any]) -> tuple[str, ...]:
    """Codes that the dictionary calls missing: in Levels, in a key for them, or in its text.

    >>> missing_codes({"Levels": {"999": "not tested"}, "Description": "-9 = missing"})
    ('999', '-9')
    """
    codes = [code for code, meaning in levels_of(description).items() if means_missing(meaning)]
    notes = description.get("Annotations")
    for held in (description, notes if isinstance(notes, dict) else {}):  # Neurobagel's place
        for key, value in held.items():
            if re.sub("[^a-z]", "", str(key).lower()) in _MISSING_KEYS:
                given = value if isinstance(value, list | dict) else [value]
                codes += [str(code) for code in given if code is not None]
    text = text_of(description)
    codes += [code for code, meaning in re.findall(_CODED_MISSING, text) if means_missing(meaning)]
    codes += [code for _, code in re.findall(_MISSING_CODED, text)]
    return tuple(dict.fromkeys(code.strip().replace("\u2212", "-") for code in codes))


def is_turned_round(score: Score, text: str) -> bool:
    """Whether a text in small letters says of a score that its bad end is the good one.

    >>> is_turned_round(SCORES["fma_ue"], "0 = normal, 66 = no movement")
    True
    """
    found = set()
    for told in _TOLD.finditer(text):
        good = told["better"] is not None
        if told["way"]:
            found.add((told["way"] in ("higher", "larger")) == good)
        elif float(told["number"]) in (score.minimum, score.maximum):
            found.add((float(told["number"]) == score.maximum) == good)
    return found == {not score.higher_is_better}


def another_thing(column: str) -> str:
    """The part of a column's name that makes it another thing than the score it begins with.

    >>> another_thing("fma_ue_percent"), another_thing("fma_ue_day90")
    ('percent', '')
    """
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", column).lower()
    found = _NAME_PARTS.search(words)
    return found[0] if found else ""


def is_handedness(description: Mapping[str, Any]) -> bool:
    """Whether a column of hands is described as that of the preferred ones."""
    return re.search("handed|dominan|prefer", text_of(description)) is not None


def contradiction(name: str, description: Mapping[str, Any]) -> str:
    """Why a column is not what its name says, by its description; '' where nothing speaks against.

    >>> contradiction("age", {"Description": "Age at stroke onset"})
    'the age at another time, or of somebody else'
    """
    text = text_of(description)
    if name in SCORES:
        coded = (f"{code} = {meaning}" for code, meaning in levels_of(description).items())
        told = ". ".join((text, *coded)).lower()
        if _REVERSED.search(text) or is_turned_round(SCORES[name], told):
            return "a scale whose good end is the bad one of the score"
        return _no_score(name, text, units_of(description).lower())
    if name == "age" and _AGE_AT.search(text):
        return "the age at another time, or of somebody else"
    if name == "time_since_stroke" and _TIME_TO.search(text):
        return "the time until something else than the examination"
    if name in ("lesion_side", "paretic_side"):
        if _HEALTHY_SIDE.search(text):
            return "the side that is not affected, or the dominant one"
        brain, body = bool(_BRAIN.search(text)), bool(_BODY.search(text))
        if brain != body and body == (name == "lesion_side"):
            return f"a side of the {'body' if body else 'brain'}"
    return ""


def _no_score(name: str, text: str, units: str) -> str:
    if _SHARE.search(text) or _SHARE_UNIT.search(units):
        return "a share or a standardised value, not the raw score"
    if _CHANGE.search(text):
        return "a change of the score"
    if _EARLIER.search(text):
        return "the state before the stroke"
    if _OTHER_LIMB.search(text):
        return "the score of the other side"
    if name.startswith("fma") and _SENSORY.search(text) and "motor" not in text:
        return "another scale than the motor one"
    return ""
