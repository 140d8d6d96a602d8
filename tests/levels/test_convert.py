import json

import numpy as np
import pytest

from motor_bids_app.__main__ import convert as program
from motor_bids_app.bids.index import index_dataset
from motor_bids_app.bids.validation import run_validator
from motor_bids_app.cli.convert import main
from motor_bids_app.errors import DataError, OutputError
from motor_bids_app.levels.participant.physiology.read import read_recording
from motor_bids_app.physiology.text_columns import parse_columns
from motor_bids_app.settings import Selection

VALUES = np.random.default_rng(0).integers(1900, 2200, (2000, 2))
OPENSIGNALS = {
    "00:07:80": {
        "sampling rate": 1000,
        "column": ["nSeq", "A1", "A2"],
        "label": ["A1", "A2"],
        "resolution": [12, 12],
    }
}


def table(columns):
    return "\n".join("\t".join(f"{value:g}" for value in row) for row in columns)


def opensignals():
    numbered = np.column_stack([np.arange(2000) % 16, VALUES])
    return f"# OpenSignals Text File Format\n# {json.dumps(OPENSIGNALS)}\n# EndOfHeader\n" + (
        table(numbered)
    )


def words(source, dataset, *more):
    return [str(source), str(dataset), "--participant-label", "1", "--task-label", "hold", *more]


def read(dataset):
    (scan,) = index_dataset(dataset, Selection())
    return read_recording(scan.emg)[0]


def test_columns_and_rate_come_from_a_json_header():
    columns = parse_columns(opensignals())

    np.testing.assert_array_equal(columns.values, VALUES.T)
    assert columns.labels == ("A1", "A2")
    assert columns.rate == 1000


@pytest.mark.parametrize("text", ["0,5\t1,25\n0,75\t1\n", "0,5 1,25\n", "1;0,5\n"])
def test_decimal_commas_are_not_taken_for_more_columns(text):
    with pytest.raises(DataError, match="Write decimal points"):
        parse_columns(text)


@pytest.mark.parametrize("text", ["1,2\n3,4\n", "1, 2\n3, 4\n", "1\t2\n3\t4\n", "1;2\n3;4\n"])
def test_columns_may_be_separated_by_any_one_mark(text):
    np.testing.assert_array_equal(parse_columns(text).values, [[1, 3], [2, 4]])


def test_a_converted_file_is_valid_bids_and_reads_back(tmp_path):
    source, dataset = tmp_path / "emg.txt", tmp_path / "bids"
    source.write_text(opensignals())

    sentence = main(
        words(
            source,
            dataset,
            "--microvolts-per-count",
            "0.5",
            "--channels",
            "FDS_L",
            "FDS_R",
            "--mains",
            "50",
        )
    )

    recording = read(dataset)
    np.testing.assert_allclose(recording.signals, 0.5 * VALUES.T, atol=0.05)
    assert recording.names == ("FDS_L", "FDS_R")
    assert recording.kinds == ("emg", "emg")
    assert recording.mains == 50
    assert str(dataset) in sentence
    issues = run_validator(dataset)["issues"]
    assert [issue for issue in issues if issue["severity"] == "error"] == []


def test_an_object_of_bids_names_is_a_header_too(tmp_path):
    header = {"SamplingFrequency": 500, "Labels": ["TA_L", "TA_R"], "Units": "mV"}
    source = tmp_path / "emg.csv"
    source.write_text(f"# {json.dumps(header)}\n" + table(VALUES / 1000).replace("\t", ","))

    main(words(source, tmp_path / "bids"))

    recording = read(tmp_path / "bids")
    assert recording.rate == 500
    np.testing.assert_allclose(recording.signals, VALUES.T, atol=0.1)


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("1 2\n3 4\n", (), "0 names"),
        ("1 2\n3 4\n", ("--channels", "A", "B"), "--rate"),
        ("1 2\n3 4\n", ("--channels", "A", "B", "--rate", "100"), "does not state its unit"),
        ("1 2\n3\n", (), "no table of numbers"),
        ("# nothing\n", (), "no numbers"),
        ("# {broken\n1 2\n", (), "no JSON"),
    ],
)
def test_what_is_not_told_is_asked_for(tmp_path, text, options, message):
    source = tmp_path / "x.txt"
    source.write_text(text)

    with pytest.raises(DataError, match=message):
        main(words(source, tmp_path / "bids", *options))


def test_a_recording_is_not_overwritten(tmp_path):
    source = tmp_path / "emg.txt"
    source.write_text(opensignals())
    asked = words(source, tmp_path / "bids", "--unit", "uV")
    main(asked)

    with pytest.raises(OutputError, match="exists already"):
        main(asked)
    assert program(asked) == 73


@pytest.mark.parametrize(
    ("name", "rate", "seconds"), [("emg.txt", 1000, 100), ("eeg_ec.txt", 125, 306)]
)
def test_real_files_are_read(test_data, name, rate, seconds):
    columns = parse_columns((test_data / "eeg_emg_biosppy" / name).read_text())

    assert columns.rate == rate
    assert columns.values.shape[0] == 1
    assert columns.values.shape[1] / rate == pytest.approx(seconds, rel=0.01)


def test_a_column_that_counts_is_left_out_also_where_names_are_given():
    columns = parse_columns(table(np.column_stack([np.arange(2000), VALUES])), ("time", "A", "B"))

    assert columns.labels == ("A", "B")
    np.testing.assert_array_equal(columns.values, VALUES.T)


def test_json_may_have_many_lines():
    header = json.dumps({"SamplingFrequency": 500, "Labels": ["A", "B"], "Units": "mV"}, indent=2)
    text = "\n".join(f"# {line}" for line in header.splitlines()) + "\n" + table(VALUES)

    columns = parse_columns(text)

    assert (columns.rate, columns.labels, columns.unit) == (500, ("A", "B"), "mV")


def test_two_columns_of_one_name_are_refused(tmp_path):
    source = tmp_path / "emg.txt"
    source.write_text(opensignals())

    with pytest.raises(DataError, match="Two columns have one name"):
        main(words(source, tmp_path / "bids", "--unit", "uV", "--channels", "TA", "TA"))
