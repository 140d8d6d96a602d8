"""Runs that know people by pseudonyms alone: they read their inputs in a folder that has no other.

What is written cannot hold a label, since nobody who writes knows one.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from motor_bids_app.bids.dataset import check_output, check_outside, label_key_of
from motor_bids_app.bids.listing import participants_in
from motor_bids_app.bids.pseudonyms import Key, keep_key, make_key, read_key
from motor_bids_app.bids.renamed import Renaming, labels_of
from motor_bids_app.bids.tables.identifiers import near_miss
from motor_bids_app.errors import EmptySelectionError, UsageError
from motor_bids_app.scratch import scratch_folder
from motor_bids_app.settings import Settings


@contextmanager
def under_pseudonyms(levels: Sequence[Settings]) -> Iterator[list[Settings]]:
    """Give the settings of levels that follow each other, to be run inside the block.

    With a key, they name a folder of links in which people have pseudonyms; it is deleted at the
    end. A file for the key is made if there is none, but by a run that writes nothing.

    Raises
    ------
    UsageError
        The output folder has people under their own labels, or under those of another key; or the
        file of the key lies where it would be shared, or others may read it.
    EmptySelectionError
        A label that was asked for is of nobody.
    ReadWriteError, OutputError, TryAgainError
        The file of the key is none, or cannot be written.
    """
    first = levels[0]
    if first.key_file is None:
        _check_own_labels(levels)
        yield [*levels]
        return
    _check_places(first)
    datasets = (first.bids_dir, *first.derivatives.values())
    known = labels_of(datasets, filter(None, (first.qc_file, first.predictors)))
    _check_selected(levels, known)
    if any((first.dry_run, first.explain_columns, first.boilerplate_only)):
        key = read_key(first.key_file) or make_key()
    else:
        key = keep_key(first.key_file, known)
    _check_output(first.output_dir, key)
    with scratch_folder("people", first.work_dir) as folder:
        yield _renamed(levels, Renaming(key, known, first.output_dir), folder)


def _renamed(levels: Sequence[Settings], renaming: Renaming, folder: Path) -> list[Settings]:
    """Settings in which inputs are in a folder, where people have pseudonyms."""
    first = levels[0]
    bids_dir = folder / "raw" / first.bids_dir.resolve().name
    renaming.dataset(first.bids_dir, bids_dir)
    derivatives = {}
    for name, given in first.derivatives.items():
        derivatives[name] = given
        if label_key_of(given) != renaming.key.mark:
            derivatives[name] = folder / "derivatives" / name
            renaming.dataset(given, derivatives[name])
    ratings = first.qc_file and renaming.table(first.qc_file, folder / "ratings")
    predictors = first.predictors and renaming.table(first.predictors, folder / "predictors")
    return [
        replace(
            one,
            bids_dir=bids_dir,
            derivatives=derivatives,
            selection=replace(
                one.selection,
                participants=tuple(map(renaming.key.pseudonym, one.selection.participants)),
                excluded=tuple(map(renaming.key.pseudonym, one.selection.excluded)),
            ),
            processing=replace(
                one.processing,
                trust_orientation=tuple(
                    replace(trust, pattern=renaming.text(trust.pattern))
                    for trust in one.processing.trust_orientation
                ),
            ),
            label_key=renaming.key.mark,
            qc_file=ratings,
            predictors=predictors,
        )
        for one in levels
    ]


def _check_places(settings: Settings) -> None:
    check_output(settings.bids_dir, settings.output_dir)
    if settings.work_dir is not None:
        check_outside(settings.bids_dir, settings.work_dir, "work folder")
    assert settings.key_file is not None
    place, output = settings.key_file.resolve(), settings.output_dir.resolve()
    check_outside(settings.bids_dir, place, "key of the pseudonyms")
    if output in place.parents:
        raise UsageError(
            f"--anonymise-labels {settings.key_file} lies in the output folder, and would be "
            "shared with it. Choose a place outside it."
        )


def _check_selected(levels: Sequence[Settings], known: frozenset[str]) -> None:
    asked = [one.selection for one in levels]
    for label in (label for one in asked for label in (*one.participants, *one.excluded)):
        if label not in known:
            near = near_miss(label, known) or "nobody has this label"
            raise EmptySelectionError(
                f"Participant {label!r} is not in the dataset: {near}. Correct the label."
            )


def _check_output(output_dir: Path, key: Key) -> None:
    mark = label_key_of(output_dir)
    if mark == key.mark or not participants_in(output_dir):
        return
    whose = "pseudonyms of another key" if mark else "their own labels"
    raise UsageError(
        f"{output_dir} holds people under {whose}, and would hold them under others beside. "
        f"Choose another output folder{', or give that key' * bool(mark)}."
    )


def _check_own_labels(levels: Sequence[Settings]) -> None:
    """Refuse to add people under their own labels to those under pseudonyms."""
    for one in levels:
        if one.level == "participant" and label_key_of(one.output_dir):
            raise UsageError(
                f"{one.output_dir} holds people under pseudonyms. Give --anonymise-labels with the "
                "file of their key, or choose another output folder."
            )
