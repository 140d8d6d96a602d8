"""What of a scan models must not read, because a measure that it depends on cannot be."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from motor_bids_app.bids.derived import DerivedScan
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
    trusted = replace(scan, maps=images)
    if maps.issuperset(BOLD):  # their series, of which networks read windows and slices
        trusted = replace(trusted, bold=None, seed=None, mean_bold=None, bold_brain=None)
    return trusted, kept, tuple(limit.measure for limit in found)


def doubtful_notes(found: Mapping[str, Sequence[str]]) -> list[str]:
    """Say what was left out, and how to take it; `found` has the measures by scan."""
    people: dict[str, list[str]] = {}
    for prefix, names in found.items():
        for name in names:
            people.setdefault(name, []).append(prefix)
    words = {limit.measure: limit.words for limit in LIMITS}
    counts = Counter({name: len(prefixes) for name, prefixes in people.items()})
    return [
        f"{words[name]} cannot be what it is in {_some(people[name])}: what depends on it is "
        f"missing there. Look at the pages of these scans; --allow {name} takes it all the same."
        for name, _ in counts.most_common()
    ]


def _some(prefixes: Sequence[str]) -> str:
    more = f" and {len(prefixes) - 5} more scans" if len(prefixes) > 5 else ""
    return ", ".join(prefixes[:5]) + more
