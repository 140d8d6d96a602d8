"""Windows of several scans and scanners as the states take them."""

import numpy as np
import pandas as pd
import pytest

from motor_bids_app.experiments.schema import Experiment
from motor_bids_app.experiments.sections import Model, States
from motor_bids_app.features.connectivity import kept_windows, sliding_windows
from motor_bids_app.features.instances import Instances
from motor_bids_app.features.samples import Samples
from motor_bids_app.features.series import SeriesWindows
from motor_bids_app.levels.group import state_files, states
from motor_bids_app.spaces.grids import Grid

GRID = Grid((5, 5, 4), np.eye(4))
T, LENGTH = 60, 12
LEFT_OUT = np.isin(np.arange(T), np.arange(26, 36))


class Cohort:
    """Its samples alone."""

    def __init__(self, samples):
        self.samples = samples


@pytest.fixture(scope="module")
def found():
    """States of three people: two sessions, one scan, and a slower scanner with a gap."""
    rng = np.random.default_rng(0)
    patterns = rng.normal(size=(2, 100))
    owners = ["sub-2", "sub-1", "sub-2", "sub-3"]
    rows = pd.DataFrame(
        {"participant_id": owners, "session_id": ["ses-1", "ses-1", "ses-2", "ses-1"]}
    )
    signals, seeds, weights, places = [], [], [], []
    for number in range(4):
        course = rng.normal(size=T)
        state = (np.arange(T) // 15) % 2
        series = patterns[state] * course[:, None] + 0.5 * rng.normal(size=(T, 100))
        left_out = LEFT_OUT if number == 3 else np.zeros(T, dtype=bool)
        signals.append(series.astype(np.float16))
        seeds.append(course)
        weights.append(sliding_windows(T, LENGTH, left_out=left_out))
        places.append(kept_windows(T, LENGTH, left_out))
    inside = np.ones(GRID.shape, dtype=bool)
    source = SeriesWindows(signals, seeds, weights, [2.0, 2.0, 2.0, 3.0], inside, GRID, places)
    instances = Instances.of(source)
    cohort = Cohort(Samples(rows, instances={"windows": instances}))
    experiment = Experiment(name="x", model=Model(kind="gao2025"), states=States(numbers=(2,)))
    return source, states._find(instances, cohort, experiment, 1, 0)


def test_every_scan_has_a_row_and_every_person_a_course(found):
    source, states_found = found

    assert states_found.people == ["sub-1", "sub-2", "sub-3"]
    table = state_files._table(states_found)
    assert table["participant_id"].tolist() == ["sub-1", "sub-2", "sub-2", "sub-3"]
    assert table["session_id"].tolist() == ["ses-1", "ses-1", "ses-2", "ses-1"]
    assert states_found.counts.sum(axis=1).tolist() == [49, 98, len(source.weights[3])]
    by_hand = table["occupancy_1"][1:3].mean()  # as many windows in both sessions
    assert states_found.dynamics.occupancy[1, 0] == pytest.approx(by_hand)


def test_no_stay_goes_over_windows_that_were_left_out_or_on_in_another_session(found):
    source, states_found = found
    moves = states_found.dynamics.transitions.sum(axis=(1, 2))
    gaps = (np.diff(source.places_of(3)) > 1).sum()

    assert gaps == 1
    assert moves.tolist() == [48, 2 * 48, len(source.weights[3]) - 1 - gaps]


def test_stays_are_in_the_seconds_of_each_scanner(found):
    _, states_found = found
    course = states_found.dynamics

    np.testing.assert_allclose(course.dwell_seconds[:2], 2 * course.dwell[:2])
    np.testing.assert_allclose(course.dwell_seconds[2], 3 * course.dwell[2])
