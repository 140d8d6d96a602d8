"""What a step has to say to later steps and to the report."""

from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What was done in a step, for the methods text, and how well.

    Parameters
    ----------
    methods : list of str
        Names of what was done, as `reports.participant.methods` knows them.
    quality : dict of float
        Measures, as `features.columns` describes them.
    notes : list of str
        What a reader should know.
    warnings : list of str
        What makes a result doubtful, one sentence each: they stand in the headline of the page and
        in the status table.
    taken : dict of str
        What was not computed but taken from a derivative -> name of that derivative.
    """

    methods: list[str] = field(default_factory=list)
    quality: dict[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    taken: dict[str, str] = field(default_factory=dict)

    def add(self, other: "Facts") -> None:
        """Take in what another part of the step has to say."""
        self.methods.extend(other.methods)
        self.quality.update(other.quality)
        self.notes.extend(other.notes)
        self.warnings.extend(other.warnings)
        self.taken.update(other.taken)
