"""Fixtures shared by all tests."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def test_data() -> Path:
    """Folder of real data; tests that need it are skipped where it is not."""
    default = Path(__file__).parent.parent / ".." / "shared" / "data"
    folder = Path(os.environ.get("MOTOR_BIDS_TEST_DATA", default)).resolve()
    if not (folder / "README.md").is_file():
        pytest.skip(f"no real data: MOTOR_BIDS_TEST_DATA names no folder with them ({folder})")
    return folder
