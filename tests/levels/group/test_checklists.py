from pathlib import Path

import numpy as np

from motor_bids_app.levels.group.checklists import _parameters
from motor_bids_app.levels.group.checkpoints import FolderCheckpoints
from motor_bids_app.models.catalog import build_model
from motor_bids_app.models.tables.recalibration import RecalibratedClassifier


def network():
    return build_model(
        "karakis2023",
        task="classification",
        params={"epochs": 7},
        mask=np.ones((3, 3, 3), bool),
        checkpoints=FolderCheckpoints(Path("/home/alice/work")),
    )


def test_settings_on_the_model_card_name_no_folder_of_the_machine():
    said = _parameters(network())

    assert said["epochs"] == "7"
    assert "alice" not in str(said)


def test_a_recalibrated_model_is_described_by_the_settings_of_the_model_inside():
    plain, said = _parameters(network()), _parameters(RecalibratedClassifier(network()))

    assert said == {**plain, "model": type(network()).__name__}
