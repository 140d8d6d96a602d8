"""One run of the app: check the input, prepare the output, do the level, keep the log."""

import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from motor_bids_app import __version__
from motor_bids_app.bids.dataset import prepare_output, write_dataset_files
from motor_bids_app.bids.index import index_dataset
from motor_bids_app.bids.validation import check_description, validate
from motor_bids_app.levels.overview import overview
from motor_bids_app.settings import Settings

log = logging.getLogger(__name__)


def run(settings: Settings) -> str:
    """Do one level, and return one sentence on what happened."""
    check_description(settings.bids_dir)
    if settings.dry_run or settings.explain_columns:
        sys.stdout.write(_explain(settings) + "\n")
        return "Nothing was computed or written."
    if settings.boilerplate_only:
        from motor_bids_app.levels.participant_report import planned_methods

        scans = index_dataset(settings.bids_dir, settings.selection, settings.derivatives)
        sys.stdout.write(planned_methods(settings, scans))
        return "Nothing was computed or written."
    prepare_output(settings.bids_dir, settings.output_dir)
    start = time.perf_counter()
    with _log_file(settings):
        log.info("motor_bids_app %s, %s level", __version__, settings.level)
        done = _level(settings)
    return f"{done} in {time.perf_counter() - start:.0f} s; see {settings.output_dir}."


def _explain(settings: Settings) -> str:
    if settings.explain_columns:
        from motor_bids_app.bids.columns import resolve_columns

        return resolve_columns(settings.bids_dir, settings.scores_map).explain()
    scans = index_dataset(settings.bids_dir, settings.selection, settings.derivatives)
    return overview(scans, settings.selection)


def _level(settings: Settings) -> str:
    """Import the level only now: they need libraries that take seconds to load."""
    if settings.level == "group":
        from motor_bids_app.levels import group

        group.run(settings)
        return f"{len(settings.experiments)} experiments done"
    if settings.level == "predict":
        from motor_bids_app.levels import predict

        predict.run(settings)
        return "Predictions written"
    if not settings.skip_bids_validation:
        for remark in validate(settings.bids_dir, settings.selection.participants):
            log.warning("validator: %s", remark)
    scans = index_dataset(settings.bids_dir, settings.selection, settings.derivatives)
    from motor_bids_app.levels import participant

    try:
        participant.run(settings, scans)
    finally:  # also what describes the participants that did not fail
        write_dataset_files(settings.bids_dir, settings.output_dir, settings.derivatives)
    return f"{len(scans)} participants processed"


@contextmanager
def _log_file(settings: Settings) -> Iterator[None]:
    """Keep everything that is logged in OUTPUT_DIR/logs, one file per level and start."""
    folder = settings.output_dir / "logs"
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{time.strftime('%Y%m%dT%H%M%S')}_{settings.level}.log"
    handler = logging.FileHandler(folder / name, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logger = logging.getLogger("motor_bids_app")
    logger.addHandler(handler)
    try:
        yield
    except Exception:
        log.debug("the run ended with an error", exc_info=True)
        raise
    finally:
        logger.removeHandler(handler)
        handler.close()
