import json
from dataclasses import asdict

import pytest

from motor_bids_app.errors import IncompatibleModelError
from motor_bids_app.levels.bundles import check_derivatives
from motor_bids_app.settings import (
    STANDARD_SPACE,
    PhysiologySettings,
    ProcessingSettings,
    Trust,
)

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


def test_what_events_of_one_dataset_are_called_is_no_business_of_a_model(metadata, tmp_path):
    metadata["model"] = "physiology"
    settings = metadata["processing"]["settings"]
    metadata["processing"]["settings"] = json.loads(json.dumps(settings))  # as a bundle has them
    record_processing(tmp_path, physiology=PhysiologySettings(events=(("", "T1", "grip"),)))

    assert check_derivatives(metadata, tmp_path, STANDARD_SPACE) == []
