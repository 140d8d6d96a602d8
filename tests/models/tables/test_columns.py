"""Columns as numbers."""

import numpy as np
import pandas as pd
import pytest

from motor_bids_app.errors import DataError
from motor_bids_app.features.samples import Samples
from motor_bids_app.models.tables.columns import numeric_columns


@pytest.fixture
def samples():
    return Samples(
        pd.DataFrame(
            {
                "participant_id": ["sub-1", "sub-2", "sub-3"],
                "group": ["patient", "control", "patient"],
                "sex": ["Male", "female", None],
                "tract_load": [2.0, np.nan, np.nan],
                "lesion_volume": [np.e - 1, np.nan, np.nan],
                "time_since_stroke": [12.0, np.nan, np.nan],
                "site": ["a", "b", "c"],
            }
        )
    )


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        pytest.param("sex", [1, 0, np.nan], id="sex is 1 for male"),
        pytest.param("tract_load", [2, 0, np.nan], id="a control has no load"),
        pytest.param("lesion_volume", [1, 0, np.nan], id="volumes are logarithms"),
        pytest.param("time_since_stroke", [12, np.nan, np.nan], id="a control has no time"),
    ],
)
def test_columns_mean_what_they_say(samples, column, expected):
    np.testing.assert_allclose(numeric_columns(samples, (column,))[:, 0], expected)


def test_reading_columns_changes_no_table(samples):
    before = samples.table.copy()
    numeric_columns(samples, ("lesion_volume", "tract_load", "sex"))
    pd.testing.assert_frame_equal(samples.table, before)


@pytest.mark.parametrize(("column", "message"), [("age", "lacks age"), ("site", "not numbers")])
def test_unusable_columns_are_named(samples, column, message):
    with pytest.raises(DataError, match=message):
        numeric_columns(samples, (column,))
