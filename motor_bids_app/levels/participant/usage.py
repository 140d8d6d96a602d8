"""Time and memory that a piece of work took."""

import resource
import time
from contextlib import suppress
from pathlib import Path
from typing import Self


class Usage:
    """Context that measures its block: `seconds`, and `peak_mb` of this process.

    Linux can reset the peak at the start; elsewhere it is the peak of the process so far.
    """

    seconds: float = 0.0
    peak_mb: float = 0.0

    def __enter__(self) -> Self:
        self._start = time.perf_counter()
        with suppress(OSError):
            Path("/proc/self/clear_refs").write_text("5")
        return self

    def __exit__(self, *error: object) -> None:
        self.seconds = time.perf_counter() - self._start
        self.peak_mb = _peak_kib() / 1024


def _peak_kib() -> int:
    with suppress(OSError, ValueError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
