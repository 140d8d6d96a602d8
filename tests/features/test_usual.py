import math

import pytest

from motor_bids_app.features.columns import dictionary_for
from motor_bids_app.features.plausibility import LIMITS
from motor_bids_app.features.usual import USUAL, unusual


def test_every_measure_with_a_usual_range_is_one_of_the_table():
    assert set(dictionary_for(USUAL)) == set(USUAL)


@pytest.mark.parametrize("value", [math.nan, None, "n/a"])
def test_what_is_missing_is_not_judged(value):
    assert unusual({"gm_ml": value}) == {}


@pytest.mark.parametrize(("value", "found"), [(3.0, False), (3.01, True), (math.inf, True)])
def test_motion_is_unusual_beyond_its_limit(value, found):
    assert ("motion_max_fd" in unusual({"motion_max_fd": value})) == found


def test_what_is_usual_is_possible():
    for limit in LIMITS:
        usual = USUAL.get(limit.measure)
        if usual and usual.low is not None:
            assert usual.low >= limit.low
        if usual and usual.high is not None:
            assert usual.high <= limit.high
