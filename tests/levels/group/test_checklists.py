from pathlib import Path

import numpy as np
import pandas as pd

from motor_bids_app.levels.group.checklists import _findings, _parameters
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


def test_the_model_card_names_nobody_whom_the_audit_found():
    audit = pd.DataFrame(
        [
            ("no image under two participants", "failed", "sub-07 and sub-12 have the same map."),
            ("the site alone does not predict", "warning", "Sites differ in their outcomes."),
            ("everyone is tested", "passed", "All are."),
        ],
        columns=["check", "state", "finding"],
    )

    copies, sites = _findings(audit)

    assert "no image under two participants" in copies
    assert "sub-" not in copies
    assert sites == "Sites differ in their outcomes."
