"""On which scanner heads were imaged, by the sidecars of the raw dataset."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from motor_bids_app.bids.derived import DerivedScan
from motor_bids_app.bids.search import inherited, read_sidecars
from motor_bids_app.errors import MotorBidsAppError
from motor_bids_app.evaluation.splits import some
from motor_bids_app.levels.cohort.participants import Participants

_HEADS = ("T1w", "T2w", "FLAIR")  # the first that there is
_LONGEST = 80  # characters of a name


def with_scanners(people: Participants, bids_dir: Path) -> Participants:
    """Add a column with the scanner of each scan, missing where no sidecar names one.

    Dates are not read: BIDS asks for them to be shifted by an amount of each person's own.
    """
    names = [scanner_of(bids_dir, scan) for scan in people.scans]
    unnamed = [scan.prefix for scan, name in zip(people.scans, names, strict=True) if name is None]
    notes = people.notes
    if unnamed:
        notes += (
            f"No sidecar of a head image names the scanner of {len(unnamed)} of {len(names)} scans "
            f"({some(unnamed)}): what scanners tell of the outcome is seen by their sites alone.",
        )
    table = people.table.assign(scanner=pd.Series(names, index=people.table.index, dtype=object))
    return replace(people, table=table, notes=notes)


def scanner_of(bids_dir: Path, scan: DerivedScan) -> str | None:
    """Maker, model and field strength, as the sidecar of the raw head image has them."""
    folder = bids_dir / scan.participant_id
    folder = folder / f"ses-{scan.session}" if scan.session else folder
    for suffix in _HEADS:
        for path in sorted((folder / "anat").glob(f"*_{suffix}.nii*")):
            try:
                name = _named(read_sidecars(inherited(path, ".json", bids_dir)))
            except MotorBidsAppError:
                continue  # what is wrong with a sidecar is said where its image is processed
            if name is not None:
                return name
    return None


def _named(sidecar: Mapping[str, Any]) -> str | None:
    told = [sidecar.get(key) for key in ("Manufacturer", "ManufacturersModelName")]
    words = [text.strip()[:_LONGEST] for text in told if isinstance(text, str) and text.strip()]
    field = sidecar.get("MagneticFieldStrength")
    if isinstance(field, int | float) and field > 0:
        words.append(f"{field:g} T")
    return " ".join(words) or None
