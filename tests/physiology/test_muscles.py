import numpy as np
import pytest

from motor_bids_app.physiology.muscles import (
    antagonists,
    channels_of,
    cocontraction,
    envelope,
    periods,
    side_of,
    working,
)
from motor_bids_app.physiology.recording import Event, Recording


@pytest.mark.parametrize(
    ("name", "muscle", "side"),
    [
        ("EDC_L", "", "left"),
        ("R-TA", "", "right"),
        ("LeftTA", "", "left"),
        ("EMG1", "", ""),
        ("EMG1", "right tibialis anterior", "right"),
        ("BicepsRight", "", "right"),
        ("EMG L", "", "left"),
        ("LT TIB.ANT.", "", "left"),
        ("Bizeps re", "", "right"),
        ("Leg", "", ""),
        ("FDS_L", "right flexor digitorum", "right"),
    ],
)
def test_the_side_is_read_from_muscle_or_name(name, muscle, side):
    assert side_of(name, muscle) == side


def recording(names, muscles=()):
    return Recording(
        signals=np.zeros((len(names), 10)),
        rate=10.0,
        names=tuple(names),
        kinds=("emg",) * len(names),
        muscles=tuple(muscles),
        bad=("BAD_L",),
    )


@pytest.mark.parametrize(
    ("names", "muscles", "pair"),
    [
        (("FDS_L", "EDC_L"), (), (0, 1)),
        (("EMG1_L", "EMG2_L"), ("left gastrocnemius", "left tibialis anterior"), (1, 0)),
        (("FDS_L", "BB_L"), (), None),
    ],
)
def test_antagonists_are_known_by_name(names, muscles, pair):
    found = recording(names, muscles)

    assert antagonists(found, channels_of(found, "left")) == pair


def test_the_lateral_head_of_a_muscle_is_on_no_side():
    found = recording(("Gastroc L", "Gastroc M", "TA_L", "SOL_R"))

    assert channels_of(found, "left") == [2]
    assert channels_of(recording(("VL_L", "VM_L")), "left") == [0, 1]


def test_bad_channels_have_no_part():
    assert channels_of(recording(("BAD_L", "FDS_L", "FDS_R")), "left") == [1]


@pytest.mark.parametrize(("share", "index"), [(1.0, 1.0), (0.0, 0.0), (1 / 3, 0.5)])
def test_cocontraction_is_the_common_area(share, index):
    first = np.ones(50)

    assert cocontraction(first, share * first) == pytest.approx(index)


def test_envelope_of_noise_is_its_mean_absolute_value():
    noise = 5 * np.random.default_rng(0).standard_normal((1, 20_000))

    assert envelope(noise, 1000).mean() == pytest.approx(5 * np.sqrt(2 / np.pi), rel=0.02)


def test_events_tell_work_from_rest_and_markers_from_both():
    events = (
        Event(onset=0, duration=3, kind="rest"),
        Event(onset=3, duration=3, kind="grip"),
        Event(onset=7, duration=0, kind="stimulus"),
        Event(onset=7, duration=2, kind="BAD_artefact"),
    )

    work, rest = periods(events, 10, 100)

    assert np.flatnonzero(work).tolist() == list(range(30, 60))
    assert np.flatnonzero(rest).tolist() == list(range(30))
    assert periods((), 10, 100) == (None, None)


def test_without_events_amplitude_tells_work():
    steps = np.repeat([1.0, 10.0, 1.0, 10.0], 100)[None]

    assert np.array_equal(working(steps), steps[0] > 5)
    assert working(np.ones((1, 400))).all()


@pytest.mark.parametrize(
    ("kind", "works"),
    [
        ("bend knee", True),
        ("extend_leg", True),
        ("rest", False),
        ("trial-end", False),
        ("BAD_movement", False),
        ("New Segment/", False),
        ("wrest", True),
    ],
)
def test_words_within_words_do_not_decide_what_is_work(kind, works):
    work, _ = periods((Event(onset=0.0, duration=5.0, kind=kind),), 10, 100)

    assert (work is not None) == works
