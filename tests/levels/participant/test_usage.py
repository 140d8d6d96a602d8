import mmap

from motor_bids_app.levels.participant.usage import Usage


def take_and_give_back():
    """Half a GiB from the system itself: malloc may have kept as much from other tests."""
    with mmap.mmap(-1, 2**29) as block:
        for place in range(0, len(block), mmap.PAGESIZE):
            block[place] = 1


def test_memory_of_the_block_is_counted():
    with Usage() as small:
        pass
    with Usage() as large:
        take_and_give_back()

    assert large.peak_mb > small.peak_mb + 400


def test_memory_freed_before_the_block_is_not_counted():
    with Usage() as before:
        pass
    take_and_give_back()
    with Usage() as after:
        pass

    assert after.peak_mb < before.peak_mb + 100
