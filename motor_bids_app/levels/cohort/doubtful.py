"""What of a scan models must not read, because a measure that it depends on cannot be."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from motor_bids_app.bids.derived import DerivedScan
from motor_bids_app.bids.files import load_image
from motor_bids_app.errors import MotorBidsAppError
from motor_bids_app.features.fingerprints import content_hash
from motor_bids_app.features.plausibility import BOLD, LIMITS, doubts


def without_doubtful(
    scan: DerivedScan, features: Mapping[str, object], allowed: Sequence[str]
) -> tuple[DerivedScan, dict[str, object], tuple[str, ...]]:
    """Leave out columns, maps and series that depend on measures beyond their limits.

    Parameters
    ----------
    scan : DerivedScan
    features : mapping
        Its row of the features table.
    allowed : sequence of str
        Measures that may be beyond their limits: `features.plausibility.NAMES`.

    Returns
    -------
    scan, features
        Without them.
    names : tuple of str
        The measures.
    """
    if scan.t1w is None:  # other contrasts look unlike the template, however well they lie
        allowed = (*allowed, "template_correlation")
    found = [limit for limit, _ in doubts(features, allowed)]
    if not found:
        return scan, dict(features), ()
    maps = {name for limit in found for name in limit.maps}
    kept = {
        column: value
        for column, value in features.items()
        if not any(limit.spoils(column) for limit in found)
    }
    images = {name: path for name, path in scan.maps.items() if name not in maps}
    trusted = replace(scan, maps=images, whole=scan)
    if maps.issuperset(BOLD):  # their series, of which networks read windows and slices
        trusted = replace(trusted, bold=None, seed=None, mean_bold=None, bold_brain=None)
    return trusted, kept, tuple(limit.measure for limit in found)


def doubtful_digests(
    scans: Sequence[DerivedScan], participants: Sequence[str]
) -> dict[tuple[str, str], list[str]]:
    """Participants by (map, hash of its values), of maps and bold that models do not read.

    A copy has the measures of its original, and is as doubtful: no other images need be looked
    at. What cannot be read is nobody's copy.
    """
    owners: dict[tuple[str, str], list[str]] = {}
    for scan, participant in zip(scans, participants, strict=True):
        bold = {"bold": scan.doubtful_bold} if scan.doubtful_bold else {}
        for name, path in (scan.doubtful | bold).items():
            try:
                digest = content_hash(np.asarray(load_image(path).dataobj))
            except MotorBidsAppError:
                continue
            if digest is not None:
                owners.setdefault((f"{name} left out", digest), []).append(participant)
    return owners


def implausible_maps(table: pd.DataFrame, maps: Sequence[str]) -> NDArray[np.bool_]:
    """Maps that depend on a measure beyond its limits, allowed or not, shape (n_scans, n_maps).

    What failed alike in two people is no sign that they are one. Heads of other contrasts than T1w
    look unlike the template, so that this tells nothing.
    """
    found = np.zeros((len(table), len(maps)), dtype=bool)
    for row, measures in enumerate(table.to_dict("records")):
        broken = doubts({str(k): v for k, v in measures.items()}, ("template_correlation",))
        spoiled = {name for limit, _ in broken for name in limit.maps}
        found[row] = [name in spoiled for name in maps]
    return found


def doubtful_notes(found: Mapping[str, Sequence[str]]) -> list[str]:
    """Say what was left out, and how to take it; `found` has the measures by scan."""
    people: dict[str, list[str]] = {}
    for prefix, names in found.items():
        for name in names:
            people.setdefault(name, []).append(prefix)
    words = {limit.measure: limit.words for limit in LIMITS}
    counts = Counter({name: len(prefixes) for name, prefixes in people.items()})
    return [
        f"{words[name]} is implausible in {_some(people[name])}: data that depend on it are "
        f"missing there. Look at the pages of these scans; --allow {name} uses them anyway."
        for name, _ in counts.most_common()
    ]


def _some(prefixes: Sequence[str]) -> str:
    more = f" and {len(prefixes) - 5} more scans" if len(prefixes) > 5 else ""
    return ", ".join(prefixes[:5]) + more
