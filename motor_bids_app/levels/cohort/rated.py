"""Scans that people rated exclude, and ratings that name nobody who is there."""

from collections.abc import Sequence

from motor_bids_app.bids.derived import DerivedScan
from motor_bids_app.bids.tables.identifiers import near_miss
from motor_bids_app.errors import DataError

Excluded = list[tuple[str, str | None, str]]  # participant_id, session_id and the reason


def check_rated(rated: Excluded, scans: Sequence[DerivedScan]) -> None:
    """Raise where a rating names nobody who is there, but likely was meant for somebody."""
    sessions: dict[str, set[str | None]] = {}
    for scan in scans:
        sessions.setdefault(scan.participant_id, set()).add(scan.session_id)
    for participant, session, rating in rated:
        known = sessions.get(participant)
        if known is None:
            near = near_miss(participant, sessions)
        elif session is None or session in known:
            continue
        elif known == {None}:
            near = "the derivatives have no session"
        else:
            near = near_miss(session, filter(None, known))
        if near:
            who = " ".join(filter(None, (participant, session)))
            raise DataError(
                f"The file of --qc-file rates {who} {rating}, of which there are no derivatives, "
                f"but {near}. Correct the identifier, so that the right people are left out."
            )


def without_rated(
    scans: Sequence[DerivedScan], rated: Excluded
) -> tuple[list[DerivedScan], Excluded, list[str]]:
    """Leave out scans that are rated exclude; a rating without session is for all of them."""
    by_scan = {(participant, session): rating for participant, session, rating in rated}
    kept, out = [], []
    for scan in scans:
        keys = ((scan.participant_id, scan.session_id), (scan.participant_id, None))
        rating = next((by_scan[key] for key in keys if key in by_scan), None)
        if rating is None:
            kept.append(scan)
        else:
            reason = f"Rated {rating} in the file of --qc-file."
            out.append((scan.participant_id, scan.session_id, reason))
    if not rated:
        return kept, out, []
    people = len({participant for participant, _, _ in out})
    remark = f"Left out by --qc-file: {len(out)} of {len(scans)} scans (people: {people})."
    there = {s.participant_id for s in scans}
    unknown = len({participant for participant, _, _ in rated} - there)
    if unknown:
        remark += f" People rated exclude who have no derivatives here: {unknown}."
    visits = {(s.participant_id, s.session_id) for s in scans}
    absent = sum(p in there and bool(v) and (p, v) not in visits for p, v, _ in rated)
    if absent:
        remark += f" Sessions rated exclude that have no derivatives here: {absent}."
    return kept, out, [remark]
