"""The methods text of a run that was not made yet."""

from pathlib import Path

import pytest

from motor_bids_app.bids.bold import BoldFile
from motor_bids_app.bids.scan import Scan
from motor_bids_app.cli.parse import parse_settings
from motor_bids_app.levels.participant.planned_methods import planned_methods

BOLD = Path("sub-1_task-rest_bold.nii.gz")


@pytest.mark.parametrize("is_finished", [False, True])
def test_what_another_tool_did_to_the_bold_is_not_told_as_ours(tmp_path, is_finished):
    settings = parse_settings([str(tmp_path), str(tmp_path / "out"), "participant"])
    table = Path("sub-1_task-rest_desc-confounds_timeseries.tsv") if is_finished else None
    bold = BoldFile(path=BOLD, task="rest", confounds=table)
    scan = Scan(participant="1", t1w=Path("sub-1_T1w.nii.gz"), bold=bold)

    text = planned_methods(settings, [scan])

    assert ("Susceptibility distortion of the bold was not corrected" in text) != is_finished
    assert ("The finished series was brought to" in text) == is_finished
    assert "Behzadi" in text


def test_the_text_on_tissue_says_that_the_template_has_a_say(tmp_path):
    settings = parse_settings([str(tmp_path), str(tmp_path / "out"), "participant"])
    scan = Scan(participant="1", t1w=Path("sub-1_T1w.nii.gz"))

    text = planned_methods(settings, [scan])

    assert "with the tissue frequencies of the template" in text
    assert "NeuroImage 26:839-851" in text
