"""The whole of `baselines` on 1,000 people of whom there is nothing but a lesion mask.

usage: python benchmarks/thousand.py [PEOPLE] [FOLDER]
The people of `people.py` (default: 1,000) are processed, which FOLDER keeps for another time; then
`group` runs the preset on 2 processes. Prints wall and CPU seconds, peak memory and the size of the
report. Ends with 1 if that takes more than 5 min, or the report is larger than 5 MB.
"""

import resource
import sys
import tempfile
import time
from pathlib import Path

from people import command, timed, write_people

SECONDS, REPORT_MB = 300, 5


def main():
    """Print what it took; 1 if a limit is missed."""
    people = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(sys.argv[2] if len(sys.argv) > 2 else scratch)
        raw, output = folder / "raw", folder / "out"
        if not raw.exists():
            write_people(raw, people)
        processed, _ = timed(command(raw, output, 2))
        print(f"participants on 2 processes: {processed:.0f} s", flush=True)
        before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        timed(command(raw, output, 2, "group", "--experiment", "baselines", "--overwrite"))
        wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        report = (output / "experiments" / "baselines" / "report.html").stat().st_size / 1e6
        print(
            f"baselines of {len(list(raw.glob('sub-*')))} people: {wall:.0f} s, {cpu:.0f} CPU s, "
            f"{after.ru_maxrss / 2**20:.1f} GiB at most; report of {report:.1f} MB"
        )
    return int(wall > SECONDS or report > REPORT_MB)


if __name__ == "__main__":
    sys.exit(main())
