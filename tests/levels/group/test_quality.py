from dataclasses import replace

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from motor_bids_app.bids.derived import DerivedScan
from motor_bids_app.bids.files import read_json
from motor_bids_app.bids.tables.tsv import read_table
from motor_bids_app.levels.cohort.participants import Participants
from motor_bids_app.levels.group.quality import describe_cohort
from motor_bids_app.settings import Settings
from motor_bids_app.spaces.grids import standard_grid

GRID = standard_grid(2)


@pytest.fixture
def cohort(tmp_path):
    """Six people, of whom three have lesions (one in two sessions), and one moved a lot."""
    places = [(1, "1", 40), (1, "2", 40), (2, None, 40), (3, None, 50)]
    scans, rows = [], []
    for number, session, x in [*places, (4, None, None), (5, None, None), (6, None, None)]:
        maps = {}
        if x is not None:
            mask = np.zeros(GRID.shape, dtype=np.uint8)
            mask[x : x + 4, 50:54, 40:44] = 1
            maps["lesion"] = tmp_path / f"{number}{session}.nii.gz"
            nib.save(nib.Nifti1Image(mask, GRID.affine), maps["lesion"])
        scans.append(DerivedScan(participant=str(number), session=session, maps=maps))
        moved = 4.0 if number == 6 else 0.1 + number / 100
        rows.append(
            {
                "participant_id": f"sub-{number}",
                "session_id": session,
                "cnr": 5 + number,
                "motion_mean_fd": moved,
            }
        )
    people = Participants(
        scans=tuple(scans), table=pd.DataFrame(rows), scores={}, excluded=pd.DataFrame()
    )
    return people, Settings(bids_dir=tmp_path, output_dir=tmp_path / "out", level="group")


def test_overlap_counts_people_not_sessions(cohort):
    images = describe_cohort(*cohort)

    path = cohort[1].output_dir / "group" / "lesion-overlap.nii.gz"
    count = np.asarray(nib.load(path).dataobj)
    assert count[41, 51, 41] == 2
    assert count[51, 51, 41] == 1
    assert count.sum() == 3 * 64
    assert read_json(path.with_name("lesion-overlap.json"))["NumberOfPeople"] == 3
    assert images.sentences[0] == "3 of 6 people have a lesion mask."
    assert "3 without one were processed as if there were no lesion." in images.sentences


def test_who_stands_apart_is_flagged_first(cohort):
    images = describe_cohort(*cohort)

    table = read_table(cohort[1].output_dir / "group" / "quality.tsv").set_index("participant_id")
    assert table.loc["sub-6", "outlier_in"] == "motion_mean_fd"
    assert images.n_outliers == 1
    assert images.quality.rows[0][0] == "sub-6"


def test_a_value_that_models_must_not_read_is_shown_and_flagged(cohort):
    people, settings = cohort
    table = people.table.assign(snr_b0=[30.0, 31, 32, 33, 34, 35, np.nan])
    doubtful = pd.DataFrame({"snr_b0": [1009.0]}, index=[6])

    describe_cohort(replace(people, table=table, doubtful=doubtful), settings)

    shown = read_table(settings.output_dir / "group" / "quality.tsv").set_index("participant_id")
    assert float(shown.loc["sub-6", "snr_b0"]) == 1009
    assert "snr_b0" in shown.loc["sub-6", "outlier_in"]


def test_a_mask_that_is_doubtful_is_not_counted_as_none(cohort):
    people, settings = cohort
    given = ["given"] * 4 + ["none"] * 2 + ["given"]

    images = describe_cohort(
        replace(people, table=people.table.assign(lesion_mask=given)), settings
    )

    assert images.sentences[0] == "3 of 5 people have a lesion mask."


def test_a_mask_that_cannot_be_read_is_not_counted_as_none(cohort):
    path = cohort[0].scans[3].maps["lesion"]
    path.write_bytes(path.read_bytes()[:100])

    images = describe_cohort(*cohort)

    assert images.sentences[0] == "2 of 5 people have a lesion mask."
    overlap = nib.load(cohort[1].output_dir / "group" / "lesion-overlap.nii.gz")
    assert np.asarray(overlap.dataobj).sum() == 2 * 64
