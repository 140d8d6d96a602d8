"""Write the lock files: run after changing the dependencies in pyproject.toml.

Versions are those that are installed now; hashes are those of every build that pip may choose, for
each Python and platform we support, from the indexes that pip is configured for. Hashes that are in
a lock file already and belong to the same version are kept, so that builds of an index that cannot
be reached today (PyTorch's CPU builds, say) stay installable.

Some packages ask for graphical toolkits, a torchvision, a browser driver or a library that nothing
here imports; their requirements are cut, which is why the locks are installed with --no-deps.
"""

import json
import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable
from hashlib import sha256
from importlib.metadata import distribution
from pathlib import Path
from urllib.parse import unquote, urlparse

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
PYTHONS = ("3.11", "3.12", "3.13")
LINUX = [f"manylinux_2_{minor}" for minor in range(28, 4, -1)] + [
    "manylinux2014",
    "manylinux2010",
    "manylinux1",
    "linux",
]
PLATFORMS = {
    "linux, x86-64": ("linux", [f"{name}_x86_64" for name in LINUX]),
    "linux, ARM": ("linux", [f"{name}_aarch64" for name in LINUX]),
    "macOS, ARM": ("darwin", [f"macosx_{major}_0_arm64" for major in range(11, 16)]),
}
NEVER = {"torchvision", "num2words", "scikit-image", "playwright"}
_LOCKED = re.compile(r"^(\S+)==(\S+)((?: \\\n    --hash=\S+)*)$", re.MULTILINE)


def closure(requirements: Iterable[str], python: str) -> dict[str, str]:
    """Return the installed version of all that `requirements` need, by canonical name."""
    pending, found = [Requirement(text) for text in requirements], {}
    values = {"extra": "", "python_version": python, "python_full_version": f"{python}.0"}
    while pending:
        requirement = pending.pop()
        name = canonicalize_name(requirement.name)
        wanted = requirement.marker is None or requirement.marker.evaluate(values)
        if name in found or name in NEVER or name.startswith(("nvidia-", "cuda-")) or not wanted:
            continue
        package = distribution(name)
        found[name] = package.version.split("+")[0]
        pending += [Requirement(text) for text in package.requires or []]
    return found


def resolve(lines: Iterable[str], python: str, platform: str, *, alone: bool) -> list[dict]:
    """Return what pip would install on another machine; `alone`: without what it requires."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--report", "-"]
    command += ["--ignore-installed", "--only-binary", ":all:", "--python-version", python]
    command += [word for tag in PLATFORMS[platform][1] for word in ("--platform", tag)]
    command += ["--no-deps"] if alone else []
    with tempfile.TemporaryDirectory() as folder:
        names = Path(folder) / "names.txt"
        names.write_text("\n".join(lines) + "\n")
        command += ["--target", folder, "-r", str(names)]
        report = subprocess.run(command, check=True, capture_output=True).stdout
    return json.loads(report)["install"]


def hash_of(item: dict) -> str:
    """SHA-256 of the build that pip chose; a local file is read for it."""
    source = item["download_info"]
    known = source.get("archive_info", {}).get("hashes", {}).get("sha256")
    return known or sha256(Path(unquote(urlparse(source["url"]).path)).read_bytes()).hexdigest()


def locked(path: Path) -> dict[str, tuple[str, set[str]]]:
    """Version and hashes of each package of a lock file, by canonical name."""
    text = path.read_text() if path.is_file() else ""
    return {
        canonicalize_name(name): (version, set(re.findall(r"sha256:(\w+)", hashes)))
        for name, version, hashes in _LOCKED.findall(text)
    }


def write(path: Path, comment: str, versions: dict[str, str], hashes: dict[str, set[str]]) -> None:
    """Write one lock file."""
    earlier, blocks = locked(path), []
    for name, version in sorted(versions.items()):
        before = earlier.get(name, ("", set()))
        known = hashes.get(name, set()) | (before[1] if before[0] == version else set())
        if not known:
            raise SystemExit(f"pip offers no build of {name}=={version}.")
        lines = (f" \\\n    --hash=sha256:{value}" for value in sorted(known))
        blocks.append(f"{name}=={version}{''.join(lines)}")
    path.write_text(f"# {comment}\n" + "\n".join(blocks) + "\n")


def lock(path: Path, comment: str, versions: dict[str, str]) -> None:
    """Write a lock file of these versions."""
    hashes: dict[str, set[str]] = {}
    lines = [f"{name}=={version}" for name, version in versions.items()]
    for python in PYTHONS:
        for platform in PLATFORMS:
            for item in resolve(lines, python, platform, alone=True):
                hashes.setdefault(canonicalize_name(item["metadata"]["name"]), set()).add(
                    hash_of(item)
                )
            print(f"{path.name}: Python {python}, {platform}")
    write(path, comment, versions, hashes)


def lock_gpu(path: Path, torch: str, others: dict[str, str]) -> None:
    """Write the lock file of what PyTorch's CUDA build needs beside the rest."""
    versions: dict[str, str] = {}
    hashes: dict[str, set[str]] = {}
    for python in PYTHONS:
        for item in resolve([f"torch=={torch}"], python, "linux, x86-64", alone=False):
            name = canonicalize_name(item["metadata"]["name"])
            if name not in others:
                versions[name] = item["metadata"]["version"]
                hashes.setdefault(name, set()).add(hash_of(item))
        print(f"{path.name}: Python {python}")
    comment = "What PyTorch's build for GPUs needs as well; installed where pip chose that build."
    write(path, comment, versions, hashes)


def main() -> None:
    """Write all lock files, or those whose names are given."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    wanted = [*project["dependencies"], *extras["slices"]]
    runtime = {name: value for python in PYTHONS for name, value in closure(wanted, python).items()}
    development = closure(extras["dev"], PYTHONS[0])
    extra = {name: version for name, version in development.items() if name not in runtime}
    names = sys.argv[1:] or ["run", "dev", "gpu"]
    if "run" in names:
        lock(ROOT / "requirements.lock", "To run; install with --no-deps.", runtime)
    if "dev" in names:
        lock(ROOT / "requirements-dev.lock", "To develop; install with --no-deps.", extra)
    if "gpu" in names:
        lock_gpu(ROOT / "requirements-gpu.lock", runtime["torch"], runtime)


if __name__ == "__main__":
    main()
