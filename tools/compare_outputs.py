"""Compare two output folders file by file, byte by byte.

usage: python tools/compare_outputs.py ONE OTHER

Logs and times of running are left out: folders called `logs` but for their facts, and what a page
says of seconds and memory. Exit status 1 where anything else differs.
"""

import re
import sys
from pathlib import Path

_TIMES = re.compile(rb"\d+(\.\d+)? (s|min|MB|GiB)\b")


def contents(root: Path) -> dict[str, bytes]:
    """Content of each file by its place; the folder itself is called ROOT in every text."""
    found = {}
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if path.is_file() and (not re.search(r"(^|/)logs/", name) or "/facts/" in name):
            data = path.read_bytes().replace(str(root.resolve()).encode(), b"ROOT")
            found[name] = _TIMES.sub(b"TIME", data) if path.suffix == ".html" else data
    return found


def main() -> None:
    """Print every difference."""
    one, other = (contents(Path(name)) for name in sys.argv[1:3])
    lines = [f"only in {sys.argv[1]}: {name}" for name in sorted(one.keys() - other.keys())]
    lines += [f"only in {sys.argv[2]}: {name}" for name in sorted(other.keys() - one.keys())]
    both = sorted(one.keys() & other.keys())
    lines += [f"differs: {name}" for name in both if one[name] != other[name]]
    print("\n".join([*lines, f"{len(both)} files in both, {len(lines)} differences"]))
    raise SystemExit(bool(lines))


if __name__ == "__main__":
    main()
