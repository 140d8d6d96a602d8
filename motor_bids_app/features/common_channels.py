"""Which channels of EEG and EMG all scans are read by, where scans differ in them."""

from collections import Counter
from collections.abc import Mapping, Sequence

from motor_bids_app.errors import DataError
from motor_bids_app.features.recordings import mirrored_name

_NEARLY_ALL = 0.9  # of the scans, who have all channels that are used


def choose_channels(
    sets: Mapping[str, set[str]], which: str, order: Sequence[str], paired: bool
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Choose channels, and say in a sentence each what is left out.

    Parameters
    ----------
    sets : mapping of str to set of str
        Good channels of each scan, such as "eeg C3".
    which : str
        "common": channels that nearly all have; "same": all must have the same.
    order : sequence of str
        All channels, as they are to follow each other.
    paired : bool
        Leave out channels whose counterpart on the other side is not there.

    Raises
    ------
    DataError
        Channels differ and must not, or none is left.
    """
    union = set.union(*sets.values())
    used = _nearly_common(sets)
    if which == "same" and any(own != union for own in sets.values()):
        first = next(iter(sets))
        other = next(name for name, found in sets.items() if found != sets[first])
        differ = ", ".join(sorted(sets[first] ^ sets[other])[:5])
        raise DataError(
            f"{first} and {other} differ in the channels {differ}, and all must have the same. Set "
            '[inputs] channels = "common" to use those that nearly everyone has, or leave out who '
            "lacks some."
        )
    if paired:
        used = {name for name in used if mirrored_name(name) in (*used, name)}
    if not used:
        least = min(sets, key=lambda name: len(sets[name]))
        raise DataError(
            f"No channel is common to all recordings ({least} has {len(sets[least])} good ones). "
            "Leave out the people who lack most, with --exclude-participant-label."
        )
    channels = tuple(name for name in order if name in used)
    without = [name for name, own in sets.items() if not used <= own]
    notes = []
    if len(used) < len(union):
        notes.append(
            f"{len(used)} of {len(union)} EEG and EMG channels are used: those that are "
            "good in nearly everyone."
        )
    if without:
        notes.append(
            f"{len(without)} of {len(sets)} scans lack a good channel of those that are used "
            f"({', '.join(without[:5])}): their recordings are not used."
        )
    return channels, tuple(notes)


def _nearly_common(sets: Mapping[str, set[str]]) -> set[str]:
    """Channels of which nine in ten scans have all; without the rarest until that is so.

    Muscles cannot be made from their neighbours as EEG can: were channels used that are good in
    everyone alone, one lost contact in each of a few people would cost all people all muscles.
    """
    names = set.union(*sets.values())
    counts = Counter(name for own in sets.values() for name in own)
    while sum(names <= own for own in sets.values()) < _NEARLY_ALL * len(sets):
        names.remove(min(names, key=lambda name: (counts[name], name)))
    return names
