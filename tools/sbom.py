"""Print what is installed as a bill of materials, CycloneDX 1.5 JSON.

usage: python tools/sbom.py [STATUS] > sbom.cdx.json

Python packages are those of the environment that runs this, without those for developers alone,
each with the hashes that the lock files allow; STATUS is the file of Debian's dpkg
(/var/lib/dpkg/status) of the image to describe.
"""

import json
import re
import sys
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
OWN = "motor-bids-app"


def canonical(name: str) -> str:
    """Name of a distribution as indexes write it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def licence_of(package: Distribution) -> str:
    """Licence as the metadata of a package have it: an expression, a short text, or classifiers."""
    metadata = package.metadata
    expression = metadata.get("License-Expression")
    if expression:
        return expression
    told = metadata.get("License") or ""
    kinds = [
        text.rpartition(" :: ")[2]
        for text in metadata.get_all("Classifier") or []
        if text.startswith("License ::")
    ]
    short = told.strip() if "\n" not in told.strip() and len(told) < 80 else ""
    return short or ", ".join(kinds) or "not told"


def hashes() -> dict[str, list[str]]:
    """SHA-256 of the builds that the lock files allow, by package."""
    found: dict[str, list[str]] = {}
    for path in sorted(ROOT.glob("requirements*.lock")):
        for name, lines in re.findall(
            r"^(\S+?)==\S+((?: \\\n +--hash=\S+)*)", path.read_text(), re.MULTILINE
        ):
            found[canonical(name)] = re.findall(r"sha256:(\w+)", lines)
    return found


def for_developers() -> set[str]:
    """Packages that the app does not need; none where their lock file is not, as in the image."""
    path = ROOT / "requirements-dev.lock"
    text = path.read_text() if path.is_file() else ""
    return {canonical(name) for name in re.findall(r"^(\S+?)==", text, re.MULTILINE)}


def python_components() -> list[dict[str, Any]]:
    """One component for each Python package but the app itself."""
    known, left_out, found = hashes(), for_developers(), {}
    for package in distributions():
        name = canonical(package.metadata["Name"])
        if name in left_out:
            continue
        component = {
            "type": "library",
            "name": name,
            "version": package.version,
            "purl": f"pkg:pypi/{name}@{package.version.replace('+', '%2B')}",
            "licenses": [{"license": {"name": licence_of(package)}}],
        }
        if len(known.get(name, [])) == 1:  # of several builds, which one is not known any more
            component["hashes"] = [{"alg": "SHA-256", "content": known[name][0]}]
        found[name] = component
    found.pop(OWN, None)
    return [found[name] for name in sorted(found)]


def system_components(status: Path) -> list[dict[str, Any]]:
    """One component for each installed Debian package."""
    found = []
    for block in status.read_text(encoding="utf-8").split("\n\n"):
        fields = dict(re.findall(r"^(Package|Version|Status): (.+)$", block, re.MULTILINE))
        if fields.get("Status") == "install ok installed":
            name, version = fields["Package"], fields["Version"]
            purl = f"pkg:deb/debian/{name}@{version.replace('+', '%2B').replace(':', '%3A')}"
            found.append({"type": "library", "name": name, "version": version, "purl": purl})
    return sorted(found, key=lambda component: component["name"])


def bill(status: Path | None = None) -> dict[str, Any]:
    """The bill of materials."""
    text = (ROOT / "motor_bids_app" / "__init__.py").read_text()
    version = re.search(r'__version__ = "(.+?)"', text)
    assert version is not None
    own = {
        "type": "application",
        "name": OWN,
        "version": version[1],
        "licenses": [{"license": {"id": "Apache-2.0"}}],
    }
    components = [*python_components(), *(system_components(status) if status else [])]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": own},
        "components": components,
    }


if __name__ == "__main__":
    given = Path(sys.argv[1]) if sys.argv[1:] else None
    sys.stdout.write(json.dumps(bill(given), indent=1) + "\n")
