"""The logs of a run in OUTPUT_DIR/logs: lines for people, and the same as JSON for programs."""

import json
import logging
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime

from motor_bids_app.settings import Settings

log = logging.getLogger(__name__)


class JsonLines(logging.Formatter):
    """One JSON object a line: time (UTC), level, source, message, and what the event is about.

    A record may have an ``event``, a mapping of what JSON can hold, whose keys are added.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "source": record.name,
            "message": record.getMessage(),
            **getattr(record, "event", {}),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


@contextmanager
def log_files(settings: Settings) -> Iterator[None]:
    """Keep everything that is logged in OUTPUT_DIR/logs, two files per level and start."""
    folder = settings.output_dir / "logs"
    folder.mkdir(parents=True, exist_ok=True)
    stem = f"{time.strftime('%Y%m%dT%H%M%S')}_{settings.level}_{os.getpid()}"
    plain = logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s")
    logger = logging.getLogger("motor_bids_app")
    with ExitStack() as stack:
        for ending, formatter in (("log", plain), ("jsonl", JsonLines())):
            handler = logging.FileHandler(folder / f"{stem}.{ending}", encoding="utf-8")
            handler.setFormatter(formatter)
            logger.addHandler(handler)
            stack.callback(_close, logger, handler)
        try:
            yield
        except Exception:
            log.debug("the run ended with an error", exc_info=True)
            raise


def _close(logger: logging.Logger, handler: logging.Handler) -> None:
    logger.removeHandler(handler)
    with suppress(OSError):  # a full disk: what it could not take is lost
        handler.close()
