"""Patient or healthy control, by what a table says of the group."""

import re
from collections.abc import Sequence


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_WHOLE = {  # texts that are nothing but this
    **dict.fromkeys(("pat", "pats", "pt", "pts", "pws", "pwst", "cva"), "patient"),
    **dict.fromkeys(
        (
            "hc",
            "hcs",
            "ctrl",
            "ctrls",
            "ctl",
            "ctr",
            "con",
            "cont",
            "cn",
            "nt",
            "nc",
            "hv",
            "td",
            "nonstroke",
        ),
        "control",
    ),
}
_STROKE = re.compile(r"strokes?|infarct(s|ions?)?|apoplexy")
_PATIENT = re.compile(r"patients?|pat|survivors?|cases?|pwst?|cva")
_CONTROL = re.compile(r"controls?|healthy|hc|ctrl|volunteers?|normals?|neurotypicals?|nondisabled")
_KINDS = (_STROKE, _PATIENT, _CONTROL)
_DENIALS = {
    "no", "not", "non", "without", "never", "denies", "denied", "deny", "denying", "negative",
    "free", "absent", "absence", "lacks", "lacking", "none", "nor", "neither", "cannot",
}  # fmt: skip
_AFTERWARDS = {"free", "negative", "absent", "denied", "no", "none", "never"}  # 'stroke-free'
_FILLERS = _set("""
    a an any the of for from had has have having been ever known history histories evidence sign
    signs diagnosis diagnosed experienced suffered clinical neurological neurologic disease
    diseases disorder disorders condition conditions or tia group participants participant
    subjects subject people person persons individual individuals to did does do is was are were
""")
_DOUBT = re.compile(
    r"\?|\b(mimics?|risk|relatives?|caregivers?|carers?|spouses?|partners?|family|families|"
    r"siblings?|parents?|mothers?|fathers?|suspected|possibl[ey]|probabl[ey]|maybe|perhaps|unclear|"
    r"uncertain|unsure|unaffected|transient|versus|vs|than|exclu\w+|except|naive|ruled|staff|nurses?|therapists?|"
    r"(pre|before|prior to|awaiting) (the |a |their )?stroke)\b"
)
# Words that may stand beside 'patient' or 'control' without making them something else.
_HARMLESS = (_FILLERS - {"condition", "conditions", "tia"}) | _set("""
    acute subacute sub chronic early late phase stage cohort left right bilateral mild moderate
    severe mildly moderately severely affected impaired hemiparetic hemiplegic paretic hemiparesis
    hemiplegia motor impairment adult adults old older young younger elderly senior aged male
    female males females men women man woman hemisphere hemispheric lesion lesions lesioned day
    days week weeks month months year years post after since in at with and is site center centre
    hospital inpatient outpatient inpatients outpatients pilot main study who were was are
    recruited matched age sex gender education handed typical typically developing neurologically
    neurotypical intact unimpaired able bodied disabled community dwelling reference comparison
    first onset
""")
# Words that may stand beside 'stroke', too.
_CLINICAL = _set("""
    ischemic ischaemic hemorrhagic haemorrhagic cryptogenic lacunar cardioembolic embolic cortical
    subcortical territory mca aca pca pontine pons brainstem cerebellar thalamic basal ganglia
    cerebral artery middle anterior posterior supratentorial infratentorial unilateral single
    aphasia aphasic neglect upper lower limb extremity arm hand perinatal neonatal pediatric
    paediatric childhood children child minor major recovered recovery good poor high low
    functioning function training therapy treatment intervention sham active rehabilitation rehab
    cause unknown yes
""")


def group_of(text: str) -> str | None:
    """'patient' or 'control' where a text leaves no doubt; else None.

    >>> group_of("acute stroke patients (1-30 days post-stroke)"), group_of("stroke-free")
    ('patient', 'control')
    >>> group_of("Stroke without aphasia"), group_of("healthy, no history of stroke")
    ('patient', 'control')
    >>> group_of("not a control"), group_of("stroke mimic"), group_of("MS patients")
    (None, None, None)
    """
    plain = re.sub(r"[_\-\u2010-\u2015=]", " ", text.lower().replace("\u2019", "'"))
    plain = re.sub(r"n't\b", " not", plain).replace("w/o", "without")
    whole = " ".join(re.findall("[a-z0-9]+", plain))
    if whole in _WHOLE:
        return _WHOLE[whole]
    if _DOUBT.search(plain):
        return None
    said: list[str] = []
    denied: list[str] = []
    for clause in re.split(r"[,;.()/+&]|\b(?:with|who|and)\b", plain):
        words = re.findall("[a-z0-9]+", clause)
        if denied and "or" in words and not any(_some(words, kind) for kind in _KINDS):
            continue  # the end of a list: 'no stroke, TIA or other disease'
        parts = _denial_in(words)
        if parts is None or (_some(parts[0], _STROKE) and not _harmless(parts[0], _CLINICAL)):
            return None
        said += parts[0]
        denied += parts[1]
    return _decide(said, denied)


def _denial_in(words: list[str]) -> tuple[list[str], list[str]] | None:
    """Words that a clause says, and those that it denies; None where it denies twice."""
    places = [k for k, word in enumerate(words) if word in _DENIALS]
    if not places:
        return words, []
    where = places[0]
    if len(places) > 1:
        return None
    if words[where] == "non":  # belongs to the next word alone
        return words[:where] + words[where + 2 :], words[where + 1 : where + 2]
    if where == len(words) - 1 and where > 0 and words[where] in _AFTERWARDS:
        return [], words[:where]
    return words[:where], words[where + 1 :]


def _decide(said: Sequence[str], denied: Sequence[str]) -> str | None:
    stroke, patient, control = (_some(said, kind) for kind in _KINDS)
    if _some(denied, _CONTROL) or ((stroke or patient) and control):
        return None
    no_stroke = _some(denied, _STROKE) or _some(denied, _PATIENT)
    if no_stroke:
        plain = [w for w in denied if not (_STROKE.fullmatch(w) or _PATIENT.fullmatch(w))]
        known = not (stroke or patient) and set(plain) <= _FILLERS
        return "control" if known and _harmless(said) else None
    if stroke:
        return "patient"
    if not (patient or control) and {"neurological", "neurologic"} & set(denied):
        return "control" if set(denied) <= _FILLERS and _harmless(said) else None
    if (patient or control) and _harmless(said):
        return "patient" if patient else "control"
    return None


def _some(words: Sequence[str], kind: re.Pattern[str]) -> bool:
    return any(kind.fullmatch(word) for word in words)


def _harmless(words: Sequence[str], more: frozenset[str] = frozenset()) -> bool:
    """Whether nothing is said beside patient or control that makes them something else."""
    return all(
        (len(word) == 1 and word != "0")
        or (word.isdigit() and int(word) > 0)
        or word in _HARMLESS
        or word in more
        or any(kind.fullmatch(word) for kind in _KINDS)
        for word in words
    )
