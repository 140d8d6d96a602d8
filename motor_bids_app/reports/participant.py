"""The page of one participant and session: what was done, and how to see that it went well."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from motor_bids_app.reports.pages import Figure, MethodsText

SECTIONS = {  # the order of the page; what a section says when its input is absent
    "anatomy": ("Anatomy", "No T1w, T2w or FLAIR image was found, so no anatomy was processed."),
    "lesion": ("Lesion", "No lesion mask was found, so nothing here is lesion-aware."),
    "tissue": ("Tissue maps", "No anatomical image was found, so tissue was not segmented."),
    "diffusion": ("Diffusion", "No dwi was found, so there are no diffusion maps."),
}


@dataclass(frozen=True, kw_only=True)
class Section:
    """One modality on the page: facts to read first, then figures.

    Give `absent` (one sentence) instead of figures where there was nothing to do.
    """

    figures: tuple[Figure, ...] = ()
    facts: Mapping[str, str | float | None] = field(default_factory=dict)  # label -> value, unit
    absent: str | None = None


@dataclass(frozen=True, kw_only=True)
class ParticipantReport:
    """All that the page of one participant and session shows."""

    participant: str  # "sub-01"
    session: str | None = None  # "ses-1"
    done: tuple[str, ...]  # "T1w", "lesion mask", "dwi (33 volumes)"
    missing: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    errors: Mapping[str, str] = field(default_factory=dict)  # step -> message
    sections: Mapping[str, Section] = field(default_factory=dict)  # keys of SECTIONS
    quality: Mapping[str, float | str | None] = field(default_factory=dict)  # measure -> value
    quality_notes: Mapping[str, str] = field(default_factory=dict)  # measure -> why to look at it
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
