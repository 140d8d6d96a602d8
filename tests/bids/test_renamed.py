"""A dataset under pseudonyms holds what the dataset holds, and no label."""

import json

import pandas as pd
import pytest

from motor_bids_app.bids.index import index_dataset
from motor_bids_app.bids.pseudonyms import Key
from motor_bids_app.bids.renamed import Renaming, labels_of
from motor_bids_app.bids.tables.columns import resolve_columns
from motor_bids_app.bids.tables.ratings import rated_exclude
from motor_bids_app.settings import Selection

KEY = Key(b"secret")
ANNA, BERT = (f"sub-{KEY.pseudonym(label)}" for label in ("Anna", "Bert"))
PEOPLE = "participant_id\tage\tfma_ue\tremarks\n{}\t60\t20\tsister of sub-Bert\nBert\t61\t50\tn/a\n"


@pytest.fixture
def raw(tmp_path):
    """A dataset of two people, with tables, links between files, and masks of another tool."""
    root = tmp_path / "raw"
    files = {
        "dataset_description.json": '{"Name": "T", "BIDSVersion": "1.10.0"}',
        ".bidsignore": "sub-Anna/dwi\n",
        "participants.tsv": PEOPLE.format("sub-Anna"),
        "participants.json": '{"age": {"Units": "years"}}',
        "phenotype/motor.tsv": "participant_id\tnihss\nSUB-Anna\t4\n sub-Bert \t5\n",
        "sub-Anna/ses-1/anat/sub-Anna_ses-1_T1w.nii.gz": "",
        "sub-Anna/ses-1/fmap/sub-Anna_ses-1_dir-AP_epi.json": json.dumps(
            {"IntendedFor": "bids::sub-Anna/ses-1/dwi/sub-Anna_ses-1_dwi.nii.gz"}
        ),
        "sub-Bert/eeg/sub-Bert_task-rest_eeg.vhdr": "DataFile=sub-Bert_task-rest_eeg.eeg\n",
        "sub-Bert/eeg/sub-Bert_task-rest_eeg.eeg": "signals of nobody",
        "derivatives/masks/dataset_description.json": '{"Name": "M", "BIDSVersion": "1.10.0"}',
        "derivatives/masks/sub-Anna/ses-1/anat/sub-Anna_ses-1_label-L_mask.nii.gz": "",
        "derivatives/out/sub-Anna/anat/sub-Anna_T1w.nii.gz": "",
        "sourcedata/truth/sub-Anna/anat/sub-Anna_desc-fa_dwimap.nii.gz": "",
        "sourcedata/dicom/Anna.dcm": "",
        "code/of-Anna.py": "",
    }
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


@pytest.fixture
def renamed(raw, tmp_path):
    return rename(raw, tmp_path)


def rename(raw, tmp_path):
    target = tmp_path / "renamed"
    Renaming(KEY, labels_of([raw]), raw / "derivatives" / "out").dataset(raw, target)
    return target


def test_no_name_and_no_text_in_it_has_a_label(renamed):
    texts = (".json", ".tsv", ".vhdr", ".bidsignore")
    for path in renamed.rglob("*"):
        name = str(path.relative_to(renamed))
        assert "Anna" not in name
        assert "Bert" not in name
        if name.endswith(texts):
            assert "Anna" not in path.read_text()
            assert "Bert" not in path.read_text()
    assert not (renamed / "code").exists()
    assert [path.name for path in (renamed / "sourcedata").iterdir()] == ["truth"]
    assert [path.name for path in (renamed / "derivatives").iterdir()] == ["masks"]


def test_it_is_read_as_the_dataset_is(raw, renamed):
    def told(folder):
        return {
            tuple(sorted(KEY.replace(str(path.relative_to(folder)), labels) for path in one.paths))
            for one in index_dataset(folder, Selection())
        }

    labels = labels_of([raw])
    assert labels == {"Anna", "Bert"}
    assert told(renamed) == told(raw)
    before, after = (resolve_columns(folder, None, strict=True).table for folder in (raw, renamed))
    before["participant_id"] = [KEY.replace(name, labels) for name in before["participant_id"]]
    pd.testing.assert_frame_equal(after, before)
    assert set(after["participant_id"]) == {ANNA, BERT}
    assert {"age", "fma_ue", "nihss"} <= set(after)


def test_copies_count_as_unchanged_and_what_names_nobody_is_a_link(raw, renamed):
    table, dictionary = renamed / "participants.tsv", renamed / "participants.json"

    assert table.stat().st_mtime_ns == (raw / "participants.tsv").stat().st_mtime_ns
    assert dictionary.resolve() == raw / "participants.json"


@pytest.mark.parametrize("name", ['"sub-Anna"', " Anna", "Sub-Anna"])
def test_whose_a_row_is_is_found_however_it_is_written(raw, tmp_path, name):
    (raw / "participants.tsv").write_text(PEOPLE.format(name))
    lines = (rename(raw, tmp_path) / "participants.tsv").read_text().splitlines()
    assert [line.split("\t")[0] for line in lines[1:]] == [ANNA, BERT]


def test_a_row_of_somebody_without_a_folder_is_renamed_too(raw, tmp_path):
    with (raw / "participants.tsv").open("a") as stream:
        stream.write("Müller, A\t70\t1\tn/a\n")
    text = (rename(raw, tmp_path) / "participants.tsv").read_text()
    assert "ller" not in text


def test_a_table_in_another_encoding_is_renamed_too(raw, tmp_path):
    path = raw / "participants.tsv"
    path.write_text(PEOPLE.format("Anna"), encoding="utf-16")
    text = (rename(raw, tmp_path) / "participants.tsv").read_text()
    assert ANNA in text
    assert "Bert" not in text


def test_ratings_of_mriqc_name_people_in_the_names_of_images(raw, tmp_path):
    given = tmp_path / "ratings.tsv"
    given.write_text("bids_name\trating\nsub-Anna_ses-1_T1w\texclude\nsub-Bert\t4\n")
    renaming = Renaming(KEY, labels_of([raw], [given]), raw)

    (row,) = rated_exclude(renaming.table(given, tmp_path / "qc"))

    assert row[:2] == (ANNA, "ses-1")


def test_a_folder_that_is_no_label_is_left_out_and_said(raw, tmp_path, caplog):
    (raw / "sub-Carl B").mkdir()
    target = rename(raw, tmp_path)
    assert sorted(path.name for path in target.glob("sub-*")) == sorted([ANNA, BERT])
    assert "left out" in caplog.text
    assert "Carl" not in caplog.text
