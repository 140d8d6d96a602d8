import numpy as np
import pytest

from motor_bids_app.errors import DataError
from motor_bids_app.features.common_channels import choose_channels

MUSCLES = tuple(f"emg {name}_{side}" for side in "LR" for name in ("FDS", "EDC", "BB"))
ALL = ("eeg C3", "eeg C4", *MUSCLES)


def cohort(n, dead):
    """Good channels of people of whom some lack one; `dead` names it by person."""
    return {f"sub-{k:02d}": set(ALL) - {dead.get(k)} for k in range(n)}


def test_lost_contacts_of_a_few_people_cost_nobody_else_a_muscle():
    # Every muscle has no contact in one of 60 people.
    sets = cohort(60, dict(zip(range(0, 60, 10), MUSCLES, strict=True)))

    channels, notes = choose_channels(sets, "common", ALL, paired=True)

    assert channels == ALL
    assert "6 of 60 scans lack a good channel" in notes[0]
    assert "sub-10" in notes[0]


def test_nine_in_ten_have_all_channels_that_are_used():
    rng = np.random.default_rng(0)
    for _ in range(20):
        sets = {f"sub-{k}": {c for c in ALL if rng.random() < 0.9} for k in range(30)}
        channels, _ = choose_channels(sets, "common", ALL, paired=False)

        assert sum(set(channels) <= own for own in sets.values()) >= 27


def test_a_channel_that_half_of_the_people_lack_is_left_out():
    sets = cohort(20, dict.fromkeys(range(10), "eeg C4"))

    channels, notes = choose_channels(sets, "common", ALL, paired=False)

    assert channels == ("eeg C3", *MUSCLES)
    assert notes == (
        "7 of 8 EEG and EMG channels are used: those that are good in nearly everyone.",
    )


def test_people_who_differ_are_refused_where_all_must_be_the_same():
    with pytest.raises(DataError, match="sub-00 and sub-01 differ in the channels eeg C3"):
        choose_channels(cohort(30, {0: "eeg C3"}), "same", ALL, paired=False)
