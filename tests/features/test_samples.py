"""Samples: rows and volumes stay together."""

import numpy as np
import pandas as pd
import pytest

from motor_bids_app.features.samples import Samples
from motor_bids_app.features.volumes import VolumeStore
from motor_bids_app.spaces.grids import Grid


@pytest.fixture
def samples():
    store = VolumeStore.empty(4, ("fa",), Grid((2, 2, 2), np.eye(4)))
    store.data[:] = np.arange(4)[:, None, None, None, None]
    people = ["sub-2", "sub-2", "sub-1", "sub-3"]
    table = pd.DataFrame(
        {"participant_id": people, "number": range(4), "group": ["patient"] * 3 + ["control"]}
    )
    return Samples(table, store.volumes())


@pytest.mark.parametrize(
    "chosen",
    [[3, 1], slice(1, 3), np.array([True, False, False, True])],
    ids=["positions", "slice", "boolean"],
)
def test_volumes_follow_their_rows(samples, chosen):
    part = samples[chosen]

    assert part.volumes.read()[:, 0, 0, 0, 0].tolist() == part.table["number"].tolist()
    assert len(part) == 2


def test_controls_are_those_the_table_says(samples):
    assert samples.controls.tolist() == [False, False, False, True]
    without = Samples(samples.table.drop(columns="group"))
    assert not without.controls.any()


def test_rows_without_their_volumes_are_refused(samples):
    with pytest.raises(ValueError, match="volumes of 4 scans"):
        Samples(samples.table[:2], samples.volumes)


def test_a_table_without_people_is_refused(samples):
    with pytest.raises(ValueError, match="participant_id"):
        Samples(samples.table.drop(columns="participant_id"))
