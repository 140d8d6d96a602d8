"""The page of one participant and session: what was done, and how to see that it went well."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from motor_bids_app.reports.pages import Figure, MethodsText, Table, format_number, render
from motor_bids_app.reports.participant.viewer import Viewer

_MOST_SAID = 3  # unusual measures in the headline; the others are listed below it
SECTIONS = {  # the order of the page; what a section says when its input is absent
    "anatomy": ("Anatomy", "No T1w, T2w or FLAIR image was found, so no anatomy was processed."),
    "lesion": ("Lesion", "No lesion mask was found, so no step takes a lesion into account."),
    "tissue": ("Tissue maps", "No anatomical image was found, so tissue was not segmented."),
    "diffusion": ("Diffusion", "No dwi was found, so there are no diffusion maps."),
    "bold": ("Resting-state BOLD", "No BOLD was found, so there is no connectivity."),
    "eeg": ("EEG", "No EEG was found."),
    "emg": ("EMG", "No EMG was found."),
}

FACTS = {  # measures that a section starts with, and what they are called there
    "anatomy": {"template_correlation": "Correlation with template", "snr_wm": "Signal to noise"},
    "lesion": {
        "lesion_side": "Side",
        "lesion_volume_ml": "Volume, native space",
        "lesion_volume": "Volume, standard space",
        "tract_load": "Tract load",
        "tract_load_weighted": "Weighted tract load",
    },
    "tissue": {
        "gm_ml": "Grey matter",
        "wm_ml": "White matter",
        "csf_ml": "Fluid in the brain mask",
    },
    "diffusion": {
        "motion_mean_fd": "Mean displacement",
        "motion_max_fd": "Largest displacement",
        "snr_b0": "Signal to noise at b = 0",
    },
    "bold": {
        "bold_volumes": "Volumes",
        "bold_mean_fd": "Mean displacement",
        "bold_tsnr": "Temporal signal to noise",
        "bold_degrees": "Degrees of freedom after cleaning",
        "m1_coupling": "Coupling of left and right M1",
    },
    "eeg": {
        "recorded_eeg_seconds": "Duration",
        "recorded_eeg_channels": "Channels",
        "recorded_eeg_bad_channels": "Bad channels",
        "recorded_eeg_windows": "Windows kept",
        "recorded_eeg_rejected": "Windows left out",
        "recorded_eeg_eye_components": "Eye components removed",
        "recorded_eeg_muscle_components": "Muscle components removed",
    },
    "emg": {
        "recorded_emg_seconds": "Duration",
        "recorded_emg_channels": "Channels",
        "recorded_emg_bad_channels": "Bad channels",
        "recorded_emg_windows": "Windows kept",
        "recorded_emg_rejected": "Windows left out",
        "cmc_beta_left": "Coherence with the cortex, left limb",
        "cmc_beta_right": "Coherence with the cortex, right limb",
    },
}


@dataclass(frozen=True, kw_only=True)
class Section:
    """One modality on the page: facts to read first, then figures.

    Facts that are among the measures (`FACTS`) are added by the page. Give `absent` (one
    sentence) instead of figures where there was nothing to do.
    """

    figures: tuple[Figure, ...] = ()
    facts: Mapping[str, str | float | None] = field(default_factory=dict)  # label -> value, unit
    tables: tuple[Table, ...] = ()
    absent: str | None = None


@dataclass(frozen=True, kw_only=True)
class ParticipantReport:
    """All that the page of one participant and session shows."""

    participant: str  # "sub-01"
    session: str | None = None  # "ses-1"
    identity: Mapping[str, str] = field(default_factory=dict)  # label -> age, dataset and the like
    sources: tuple[str, ...] = ()  # input files, relative to their dataset
    done: tuple[str, ...]  # "T1w", "lesion mask", "dwi (33 volumes)"
    missing: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()  # results that no brain gives: they stand in the headline
    errors: Mapping[str, str] = field(default_factory=dict)  # step -> message
    viewer: Viewer | None = None  # of the volumes in standard space
    sections: Mapping[str, Section] = field(default_factory=dict)  # keys of SECTIONS
    quality: Mapping[str, float | str | None] = field(default_factory=dict)  # measure -> value
    quality_notes: Mapping[str, str] = field(default_factory=dict)  # measure -> what is unusual
    usual: Mapping[str, str] = field(default_factory=dict)  # measure -> its usual range, in words
    positions: Mapping[str, str] = field(default_factory=dict)  # measure -> "3 of 40" scans
    features: Mapping[str, float | str | None] = field(default_factory=dict)  # column -> value
    dictionary: Mapping[str, Mapping[str, object]] = field(
        default_factory=dict
    )  # column -> {"Description", "Units", ...} as in the sidecar of the table
    methods: MethodsText
    settings: Mapping[str, object] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)  # software -> version

    def __post_init__(self) -> None:
        unknown = set(self.sections) - set(SECTIONS)
        if unknown:
            raise ValueError(f"sections {sorted(unknown)} are not on the page: use {[*SECTIONS]}.")


def render_participant(report: ParticipantReport) -> str:
    """Return the page of one participant and session as one self-contained HTML file."""
    state, headline = verdict(report)
    sections = [
        (key, title, _with_facts(report, key) or Section(absent=absent))
        for key, (title, absent) in SECTIONS.items()
    ]
    contents = {"explore": "Explore"} if report.viewer else {}
    contents |= {key: title for key, title, _ in sections}
    contents |= {"quality": "Quality", "features": "Features", "methods": "Methods"}
    if report.settings:
        contents["settings"] = "Settings"
    if report.sources:
        contents["sources"] = "Source files"
    return render(
        "participant.html",
        report=report,
        state=state,
        look_at=(*report.doubts, *report.warnings, *_notes(report)),
        headline=headline,
        viewer=report.viewer,
        sections=sections,
        contents=contents,
        quality=_measures(
            report,
            report.quality,
            "Measures of image and processing quality. A value outside the usual range of older "
            "adults is a reason to check the images, not to exclude the person.",
        ),
        features=_measures(report, report.features, "As in the features table (TSV)."),
        settings=Table(
            caption="Settings that change results.",
            columns=("Setting", "Value"),
            rows=tuple(report.settings.items()),
        ),
        versions=report.versions,
    )


def verdict(report: ParticipantReport) -> tuple[str, str]:
    """Return the state of the card ("good", "warn", "bad") and its first sentence."""
    failures, warnings = len(report.errors), len(report.warnings) + len(report.quality_notes)
    if failures:
        steps = "1 step" if failures == 1 else f"{failures} steps"
        return "bad", f"{steps} failed." + (" The rest was processed." if report.done else "")
    if not report.done:
        return "bad", "Nothing was processed."
    if report.doubts:
        others = f" ({len(report.doubts) - 1} more such below.)" if report.doubts[1:] else ""
        return "warn", f"A result is doubtful. {report.doubts[0]}{others}"
    if warnings:
        things = "1 thing" if warnings == 1 else f"{warnings} things"
        first = " ".join([*report.quality_notes.values()][:_MOST_SAID])
        text = f"All inputs were processed; {things} to look at"
        return "warn", f"{text} first. {first}" if first else f"{text}."
    return "good", "All inputs were processed; no measure is unusual."


def _with_facts(report: ParticipantReport, key: str) -> Section | None:
    """Return a section with the measures that belong to it; None where it is absent."""
    section = report.sections.get(key)
    if section is None or section.absent:
        return section
    measures = {**report.features, **report.quality}
    facts = {
        label: f"{format_number(measures[name])} {_unit(report, name)}".strip()
        + _expected(report, name)
        for name, label in FACTS.get(key, {}).items()
        if measures.get(name) is not None
    }
    return replace(section, facts={**section.facts, **facts})


def _expected(report: ParticipantReport, measure: str) -> str:
    """Usual range of a measure, for readers of the section that it belongs to."""
    return f" (usual: {report.usual[measure]})" if measure in report.usual else ""


def _unit(report: ParticipantReport, measure: str) -> str:
    """Unit to print; BIDS says "arbitrary" of a number without one."""
    unit = str(report.dictionary.get(measure, {}).get("Units", ""))
    return "" if unit == "arbitrary" else unit


def _notes(report: ParticipantReport) -> list[str]:
    """Unusual measures that the headline does not name."""
    _, headline = verdict(report)
    return [note for note in report.quality_notes.values() if note not in headline]


def _name(measure: str) -> str:
    return measure.replace("_", " ")


def _measures(
    report: ParticipantReport, values: Mapping[str, float | str | None], caption: str
) -> Table:
    """List measures with their units and meaning, and why to look at some of them."""
    placed = bool(report.positions.keys() & values.keys())
    rows = []
    for name, value in values.items():
        entry = report.dictionary.get(name, {})
        meaning = str(entry.get("Description", ""))
        place = (report.positions.get(name, ""),) if placed else ()
        usual = (_unit(report, name), report.usual.get(name, ""))
        rows.append((_name(name), format_number(value), *usual, *place, meaning))
    return Table(
        caption=caption,
        columns=(
            "Measure", "Value", "Unit", "Usual",
            *(("Place among all scans, from the lowest",) if placed else ()),
            "Meaning",
        ),
        rows=tuple(rows),
        numeric=frozenset({1}),
    )  # fmt: skip
