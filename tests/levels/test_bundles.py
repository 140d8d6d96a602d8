from dataclasses import asdict

import pytest

from motor_bids_app.errors import IncompatibleModelError
from motor_bids_app.levels.bundles import check_derivatives
from motor_bids_app.settings import STANDARD_SPACE, ProcessingSettings, Trust

from .conftest import record_processing


@pytest.fixture
def metadata():
    """Of a model whose derivatives were made before it could be said what to trust of headers."""
    settings = asdict(ProcessingSettings())
    del settings["trust_orientation"]
    return {
        "inputs": {"space": STANDARD_SPACE, "maps": ["fa"]},
        "model": "kernel",
        "processing": {"settings": settings, "digest": "0"},
    }


def test_what_is_trusted_of_the_headers_of_one_dataset_is_no_business_of_a_model(
    metadata, tmp_path
):
    record_processing(tmp_path, trust_orientation=(Trust("LAS", "sub-01_*"),))

    assert check_derivatives(metadata, tmp_path, STANDARD_SPACE) == []


def test_settings_that_change_values_are_refused(metadata, tmp_path):
    record_processing(tmp_path, gibbs=True)

    with pytest.raises(IncompatibleModelError, match="gibbs is True here and was False"):
        check_derivatives(metadata, tmp_path, STANDARD_SPACE)
