"""One run of the app: check the input, prepare the output, do the level, keep the log."""

import logging
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from motor_bids_app import __version__
from motor_bids_app.bids.dataset import (
    check_output,
    check_outside,
    prepare_output,
    write_dataset_files,
)
from motor_bids_app.bids.index import index_dataset
from motor_bids_app.bids.orientation import trust_orientation
from motor_bids_app.bids.tables.sources import participants_table
from motor_bids_app.bids.validation import check_description, validate
from motor_bids_app.engine import check_engine
from motor_bids_app.errors import IncompleteRunError, MotorBidsAppError, UsageError
from motor_bids_app.levels.anonymised import under_pseudonyms
from motor_bids_app.levels.index import write_index
from motor_bids_app.levels.logs import log_files
from motor_bids_app.levels.participant.overview import overview
from motor_bids_app.levels.progress import pulse
from motor_bids_app.scratch import sweep
from motor_bids_app.settings import Settings

if TYPE_CHECKING:
    from motor_bids_app.levels.group.result import Result

log = logging.getLogger(__name__)


def run(settings: Settings) -> str:
    """Do what the settings ask for, one level after the other; return a sentence on each.

    People who failed at one level do not stop the next.
    """
    check_description(settings.bids_dir)
    for remark in settings.remarks:
        log.warning("%s", remark)
    with under_pseudonyms((settings, *settings.followed_by)) as levels:
        return _run_all(levels)


def _run_all(levels: Sequence[Settings]) -> str:
    settings = levels[0]
    if settings.dry_run or settings.explain_columns or settings.boilerplate_only:
        sys.stdout.write("\n\n".join(_explain_all(levels)) + "\n")
        return "Nothing was computed or written."
    sentences: list[str] = []
    failures: list[IncompleteRunError] = []
    for one in levels:
        start = time.perf_counter()
        try:
            _show(run_level(one))
        except IncompleteRunError as error:
            _show(error.results)
            if one is levels[-1] or settings.stop_on_first_crash:
                raise _together([*failures, error]) from error
            log.warning("%s", error)
            failures.append(error)
        else:
            sentences.append(_done(one, time.perf_counter() - start))
    if failures:
        raise _together(failures)
    return " ".join(sentences)


def _done(settings: Settings, seconds: float) -> str:
    if settings.level == "group" and settings.selection.shard != (1, 1):
        return (
            f"Shard {'/'.join(map(str, settings.selection.shard))} of the trainings is done in "
            f"{seconds:.0f} s. When all shards are, run the same command without --shard."
        )
    page = settings.output_dir / "index.html"
    return f"The {settings.level} level is done in {seconds:.0f} s; open {page}."


def _together(errors: Sequence[IncompleteRunError]) -> IncompleteRunError:
    return IncompleteRunError(" ".join(map(str, errors)))


def _show(results: "Sequence[Result]") -> None:
    """Print what the group level found."""
    if results:
        from motor_bids_app.levels.summary import summarise

        sys.stdout.write(summarise(results) + "\n")


def _explain_all(levels: Sequence[Settings]) -> Iterator[str]:
    """Text of --explain-columns, --dry-run or --boilerplate-only, of each level."""
    if levels[0].explain_columns or levels[0].boilerplate_only:
        yield _explain(levels[0]).rstrip()
        return
    yield _check_places(levels[0])
    yield from dict.fromkeys(_explain(settings).rstrip() for settings in levels)


def _check_places(settings: Settings) -> str:
    """Check where a run would write and compute; say so, without writing anything."""
    _check_resources(settings)
    check_output(settings.bids_dir, settings.output_dir)
    engine = check_engine(settings.resources.engine)
    device = settings.resources.device
    return f"Output: {settings.output_dir} (can be written). Engine: {engine}. Device: {device}."


def _check_resources(settings: Settings) -> None:
    """Raise for a device that is not there, and for folders that cannot be what they shall be."""
    if settings.resources.device.startswith("cuda"):
        from motor_bids_app.levels.hardware import check_device

        check_device(settings.resources.device)
    if settings.work_dir is not None:
        check_outside(settings.bids_dir, settings.work_dir, "work folder")
    for name, folder in settings.derivatives.items():
        if folder.resolve() == settings.output_dir.resolve():
            raise UsageError(
                f"--derivatives {name}={folder} is the output folder itself, which is never read "
                "as an input: leave it out."
            )


def _explain(settings: Settings) -> str:
    """Text of --explain-columns, --dry-run or --boilerplate-only."""
    if settings.explain_columns:
        from motor_bids_app.bids.tables.columns import resolve_columns

        return resolve_columns(settings.bids_dir, settings.scores_map, strict=False).explain()
    if settings.dry_run and settings.level == "group":
        from motor_bids_app.levels.group.cost import foretell

        return foretell(settings)
    scans = index_dataset(settings.bids_dir, settings.selection, settings.derivatives)
    if settings.dry_run:
        trust_orientation(settings.processing.trust_orientation)
        return overview(scans, settings.selection)
    from motor_bids_app.levels.participant.planned_methods import planned_methods

    return planned_methods(settings, scans)


def run_level(settings: Settings) -> "Sequence[Result]":
    """Run one level with its log; return what the group level found.

    Levels are imported only now: they need libraries that take seconds to load.
    """
    _check_resources(settings)
    prepare_output(settings.bids_dir, settings.output_dir)
    _clear(settings.output_dir)
    if settings.clean_work_dir and settings.work_dir is not None:
        from motor_bids_app.levels.group.checkpoints import remove_all

        remove_all(settings.work_dir)
    trust_orientation(settings.processing.trust_orientation)
    with log_files(settings):
        log.info("motor_bids_app %s, %s level", __version__, settings.level)
        try:
            found = _do(settings)
        except BaseException:
            with suppress(MotorBidsAppError, OSError):  # why it ended is what is to be told
                write_index(settings.output_dir, settings.bids_dir)
            raise
        write_index(settings.output_dir, settings.bids_dir)
        return found


def _do(settings: Settings) -> "Sequence[Result]":
    """Do one level; one that is silent for long says that it is at work."""
    if settings.level == "participant":
        _run_participants(settings)
        return ()
    start = time.perf_counter()

    def at_work() -> str:
        return f"still at the {settings.level} level, {(time.perf_counter() - start) / 60:.1f} min"

    with pulse(at_work, watched=True):
        if settings.level == "group":
            from motor_bids_app.levels.group import level as group

            return group.run(settings)
        if settings.level == "predict":
            from motor_bids_app.levels.predict import level as predict

            predict.run(settings)
        else:
            from motor_bids_app.levels.validate import level as validation

            validation.run(settings)
        return ()


def _run_participants(settings: Settings) -> None:
    selection = settings.selection
    participants_table(settings.bids_dir)  # a faulty one is told now, not when all is computed
    with ThreadPoolExecutor(1) as aside:  # the validator is a program of its own
        kept = settings.output_dir / "logs" / "validation.json"
        words = (settings.bids_dir, selection.participants, selection.modalities, kept)
        validated = None if settings.skip_bids_validation else aside.submit(validate, *words)
        # Takes as long to import as the validator takes to run.
        from motor_bids_app.levels.participant import level as participant
        from motor_bids_app.levels.participant.functional.inputs import wanted_seed

        wanted_seed(settings.processing.bold)  # a wrong mask is not told hours later, by everyone
        for remark in validated.result() if validated else ():
            log.warning("validator: %s", remark)
    described = (
        settings.bids_dir,
        settings.output_dir,
        settings.derivatives,
        settings.processing,
        settings.label_key,
    )
    write_dataset_files(
        *described
    )  # a later run knows by it whose these are, should this be killed
    scans = index_dataset(settings.bids_dir, selection, settings.derivatives)

    try:
        participant.run(settings, scans)
    finally:  # also what describes the participants that did not fail
        write_dataset_files(*described)


def _clear(output_dir: Path) -> None:
    """Delete temporary files of runs that were killed; those of a participant go when it begins."""
    sweep(output_dir)
    for name in ("logs", "group", "experiments", "predictions", "validations"):
        sweep(output_dir / name, deep=True)
