"""Words of people in tables: sides, sexes, hands, and what stands for a missing value."""

import re
from collections.abc import Mapping

from motor_bids_app.bids.tables.scores import normalise

_SIDES = {
    "l": "left", "left": "left", "lh": "left", "r": "right", "right": "right", "rh": "right",
    "b": "bilateral", "both": "bilateral", "bilateral": "bilateral", "bi": "bilateral",
    "leftright": "bilateral", "none": "none",
}  # fmt: skip
VOCABULARIES: dict[str, dict[str, str]] = {
    "sex": {
        "f": "female", "female": "female", "w": "female", "woman": "female", "girl": "female",
        "m": "male", "male": "male", "man": "male", "boy": "male",
        "o": "other", "other": "other", "x": "other", "intersex": "other", "unknown": "other",
    },
    "handedness": {
        "l": "left", "left": "left", "lefthanded": "left", "r": "right", "right": "right",
        "righthanded": "right", "a": "ambidextrous", "ambidextrous": "ambidextrous",
        "both": "ambidextrous", "mixed": "ambidextrous", "ambi": "ambidextrous",
    },
    "lesion_side": {
        **_SIDES, "lefthemisphere": "left", "righthemisphere": "right", "midline": "bilateral",
    },
    "paretic_side": {**_SIDES, "lefthand": "left", "righthand": "right"},
}  # fmt: skip
# What turns a word into its opposite, or makes it doubtful: 'not female', 'left hand unaffected'.
_DENIAL = re.compile(
    r"\b(no|not|non|without|never|neither|nor|except|minus|less|free|intact|healthy|sound|spared|"
    r"good|better|normal|opposite|stronger|contra\w*|non(?:paretic|lesioned|affected|dominant)|"
    r"un(?:affected|involved|impaired|injured|damaged|lesioned|certain|clear|sure)|"
    r"possibl[ey]|probabl[ey]|perhaps|maybe|suspected)\b|n't\b|[?!<>~=\u2260]"
)
# Words of the other kind of side: a paresis on the left is of a lesion on the right.
_OTHER_SIDE = {
    "lesion_side": re.compile(
        r"\b(hands?|handed\w*|arms?|legs?|limbs?|foot|body|side of the body|weak\w*|"
        r"(?:hemi|mono)?(?:pare\w+|plegi\w*))\b"
    ),
    "paretic_side": re.compile(
        r"\b(handed\w*|hemispher\w*|brain|cort\w+|lesion\w*|infarct\w*|stroke|mca|aca|pca|ica|thalam\w*|"
        r"basal|capsul\w*|pons|pontine|cerebr\w*|cerebell\w*)\b"
    ),
}
_MISSING_WORDS = (
    r"missing(?: (?:data|value))?|(?:un|not )known|(?:un|not )available|untestable|undetermined|"
    r"not (?:yet )?(?:applicable|done|tested|assessed|measured|recorded|reported|collected|"
    r"administered|obtained|evaluated|examined|acquired|testable|determined|"
    r"stated|specified|disclosed|answered|entered|scored|rated)|"
    r"no (?:data|answer|information|record|value|score)|refused|declined|"
    r"prefer(?:s|red)? not|did not (?:do|complete|answer|attend|perform)|lost to follow up|"
    r"withdr[ae]wn?|drop(?:ped)? ?out|skipped|invalid|unrecorded|unreported|does not apply|"
    r"don t know|n a|nan"
)
_MEANS_MISSING = re.compile(rf"(?<!not )(?<!no )\b(?:{_MISSING_WORDS})\b")
_IS_MISSING = re.compile(rf"(?:{_MISSING_WORDS}|none|null|nil|unk|data missing)")
_CELLS = frozenset((".", "..", "?", "??", "na.", "n\\a", "none", "n.d.", "k.a."))


def word_of(name: str, text: str) -> str | None:
    """The one word of a variable that a text means; None where it denies or doubts, or has two.

    >>> word_of("sex", "Female sex at birth"), word_of("paretic_side", "L")
    ('female', 'left')
    >>> word_of("sex", "not male"), word_of("paretic_side", "left hand unaffected")
    (None, None)
    """
    vocabulary = VOCABULARIES[name]
    plain = text.lower().replace("_", " ").replace("\u2019", "'")
    other = _OTHER_SIDE.get(name)
    if _DENIAL.search(plain) or (other is not None and other.search(plain)):
        return None
    return vocabulary.get(normalise(text)) or _word_within(plain, vocabulary)


def _word_within(text: str, vocabulary: Mapping[str, str]) -> str | None:
    """The one word of the vocabulary in a longer description."""
    words = {vocabulary[word] for word in re.findall("[a-z]{2,}", text) if word in vocabulary}
    return words.pop() if len(words) == 1 else None


def means_missing(text: str) -> bool:
    """Whether the meaning of a code says that there is no value.

    >>> means_missing("Not tested (patient intubated)"), means_missing("No symptoms")
    (True, False)
    """
    return _MEANS_MISSING.search(_words(text)) is not None


def is_missing(cell: str) -> bool:
    """Whether a cell itself says that there is no value: '.', 'unknown', 'not tested'.

    >>> is_missing("None"), is_missing("unknown"), is_missing("0")
    (True, True, False)
    """
    text = _words(cell)
    return cell.lower() in _CELLS or (len(text) > 2 and _IS_MISSING.fullmatch(text) is not None)


def _words(text: str) -> str:
    return " ".join(re.findall("[a-z0-9]+", text.lower()))
