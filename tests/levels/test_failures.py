import errno

import pytest

from motor_bids_app.errors import DataError, DiskFullError, InternalError
from motor_bids_app.levels.failures import failure_of


def test_a_bug_is_reported_with_its_traceback_in_the_logs(tmp_path):
    try:
        raise KeyError("volumes")
    except KeyError as bug:
        failure = failure_of(bug, tmp_path, "sub-1_anat")

    assert isinstance(failure, InternalError)
    (crash,) = tmp_path.glob("logs/crash-sub-1_anat.txt")
    assert str(crash) in str(failure)
    assert 'raise KeyError("volumes")' in crash.read_text()


def test_an_error_with_a_message_for_the_user_stays_as_it_is(tmp_path):
    known = DataError("no brain")

    assert failure_of(known, tmp_path, "sub-1_anat") is known
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "error",
    [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried")],
)
def test_want_of_memory_is_no_bug(tmp_path, error):
    assert "memory did not suffice" in str(failure_of(error, tmp_path, "sub-1_anat"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_the_end_for_everyone(tmp_path, number):
    with pytest.raises(DiskFullError, match="Free space"):
        failure_of(OSError(number, "no room"), tmp_path, "sub-1_anat")
