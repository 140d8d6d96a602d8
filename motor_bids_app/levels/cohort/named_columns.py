"""Which columns of which tables an experiment names as predictors."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from motor_bids_app.bids.tables.predictors import Predictor, is_wildcard, matching
from motor_bids_app.bids.tables.sources import Source
from motor_bids_app.errors import DataError
from motor_bids_app.experiments.sections import Inputs
from motor_bids_app.levels.cohort.participants import Participants

# What columns of the dataset's tables are read as that is no predictor, or already one.
_NOT_THESE = {
    "age": "which models read as it is",
    "sex": "which models read as it is",
    "time_since_stroke": "which models read as it is",
    "group": "which says who is a control",
    "site": "which says where people were examined, and nothing at another site",
}


@dataclass(frozen=True)
class Named:
    """A column that an experiment names.

    `source` is None for a score, and `group` the wildcard that named it, or "".
    """

    name: str
    source: Source | None = None
    group: str = ""


def named_columns(
    people: Participants, sources: Sequence[Source], inputs: Inputs, target: Collection[str]
) -> tuple[list[Named], list[str]]:
    """Find the columns that an experiment names, each once.

    Parameters
    ----------
    people : Participants
    sources : sequence of Source
        Tables: that of the experiment first, where it names one.
    inputs : Inputs
    target : collection of str
        Score that is predicted, and those that it is made of.

    Returns
    -------
    list of Named
    list of str
        Remarks on columns that a wildcard met and that are no predictors.

    Raises
    ------
    DataError
        A name is that of the target or a part of it, of no column, or of columns in several tables.
    """
    found: dict[tuple[str, str], Named] = {}
    tables = _Tables.of(people, sources, target)
    for entry in inputs.columns:
        if entry in target:
            raise DataError(
                f"[inputs] columns: {entry} is the predicted score{_or_part(target)}. Leave it out."
            )
        for one in tables.named(entry):
            found.setdefault((one.source.file if one.source else "", one.name), one)
    skipped = tables.skipped
    named = list(found.values())
    if inputs.table and not any(one.source is sources[0] for one in named):
        raise DataError(
            f"[inputs] table = {Path(inputs.table).name!r}: columns names none of its columns. "
            "Name some, or leave the table out."
        )
    remarks = []
    if skipped:
        more = f" and {len(skipped) - 5} more" if len(skipped) > 5 else ""
        remarks.append(f"No predictors, though * or ? fits: {', '.join(skipped[:5])}{more}.")
    return named, remarks


def _or_part(target: Collection[str]) -> str:
    return ", or a part of it" if len(target) > 1 else ""


@dataclass(frozen=True, kw_only=True)
class _Tables:
    """Tables to look in, the scores that they hold, and what their columns are read as."""

    sources: Sequence[Source]
    scores: tuple[str, ...]  # that anybody has
    meanings: Mapping[tuple[str, str], str]  # of columns of the dataset, by file and heading
    target: Collection[str]
    skipped: list[str]

    @classmethod
    def of(
        cls, people: Participants, sources: Sequence[Source], target: Collection[str]
    ) -> "_Tables":
        uses = () if people.tables is None else people.tables.columns
        return cls(
            sources=sources,
            scores=tuple(one for one in people.scores if people.table[one].notna().any()),
            meanings={(use.file, use.column): use.name for use in uses if use.name},
            target=target,
            skipped=[],
        )

    def named(self, entry: str) -> list[Named]:
        """Columns of one entry; a heading may have its table before it, as in "safe.tsv:total"."""
        chosen, heading = self._of_table(entry)
        places = [(one, n) for one in chosen for n in matching(heading, list(one.table.columns))]
        others = [place for place in places if self._read_as(*place) != entry]
        if entry in self.scores and not others:
            return [Named(entry)]  # the heading, if there is one, is that of the score
        if not places:
            raise DataError(self._unknown(entry))
        if entry in self.scores or len({name for _, name in places}) < len(places):
            files = " and in ".join(dict.fromkeys(one.file for one, _ in places))
            raise DataError(
                f"[inputs] columns: {entry} is in {files}"
                f"{', and a score' if entry in self.scores else ''}: which one is meant is "
                f'unknown. Write the table before it, as in "{places[0][0].file}:{places[0][1]}".'
            )
        wild = is_wildcard(heading) and places[0][1] != heading
        named = [self._usable(one, name, heading if wild else "") for one, name in places]
        kept = [one for one in named if one is not None]
        if not kept:
            raise DataError(self._unknown(entry))
        return kept

    def _usable(self, source: Source, name: str, group: str) -> Named | None:
        """A column, unless it is read as something else; None where a wildcard met it."""
        meaning = self._read_as(source, name)
        why = _NOT_THESE.get(meaning)
        if meaning in self.target:
            why = f"which is what is predicted{_or_part(self.target)}"
        if why is None:
            return Named(name, source, group)
        if not group:
            raise DataError(
                f"[inputs] columns: {name} of {source.file} is {meaning}, {why}. Leave it out."
            )
        self.skipped.append(name)
        return None

    def _of_table(self, entry: str) -> tuple[Sequence[Source], str]:
        """Tables that an entry may be in, and the heading."""
        table, _, heading = entry.partition(":")
        chosen = [one for one in self.sources if table in (one.file, Path(one.file).name)]
        return (chosen, heading) if heading and chosen else (self.sources, entry)

    def _read_as(self, source: Source, heading: str) -> str:
        """What the app reads a column as; "" where as nothing."""
        return self.meanings.get((source.file, heading), "")

    def _unknown(self, entry: str) -> str:
        """Sentence on a name that no column has, with others that are there."""
        headings = [str(name) for one in self.sources for name in one.table.columns]
        by_case = {name.casefold(): name for name in headings}
        near = get_close_matches(entry.casefold(), by_case, 3)
        scores = [name for name in self.scores if name != self.target]
        likely = f" Did you mean {' or '.join(by_case[name] for name in near)}?" if near else ""
        return (
            f"[inputs] columns: {entry} is not known for anybody with derivatives: no table has a "
            f"column of that name with a value.{likely} Scores are {', '.join(scores) or 'none'}; "
            f"columns are {', '.join(headings[:10])}{' ...' if len(headings) > 10 else ''}."
        )


def column_at(known: Predictor, sources: Sequence[Source]) -> Source:
    """Return the table that has a predictor; of several, that of the name where it was learned.

    Raises
    ------
    DataError
        No table has it, or several.
    """
    there = [one for one in sources if known.name in one.table]
    same = [one for one in there if one.file == known.file]
    if len(there) == 1 or len(same) == 1:
        return same[0] if same else there[0]
    if there:
        files = " and in ".join(one.file for one in there)
        raise DataError(f"The model predicts from {known.name}, which is in {files}. Keep one.")
    raise DataError(
        f"The model predicts from {known.name} (of {known.file}), which no table has. Add it to "
        "the tables of the dataset, or name a table with it by --predictors."
    )
