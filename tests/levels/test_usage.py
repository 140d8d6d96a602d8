import numpy as np

from motor_bids_app.levels.usage import Usage


def test_memory_of_the_block_is_counted():
    with Usage() as small:
        pass
    with Usage() as large:
        np.ones(2**26)  # 0.5 GiB

    assert large.peak_mb > small.peak_mb + 400


def test_memory_freed_before_the_block_is_not_counted():
    with Usage() as before:
        pass
    np.ones(2**26)
    with Usage() as after:
        pass

    assert after.peak_mb < before.peak_mb + 100
