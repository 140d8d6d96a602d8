from dataclasses import replace

import pandas as pd
import pytest

from motor_bids_app.errors import (
    DataError,
    EmptySelectionError,
    InputMissingError,
    UsageError,
)
from motor_bids_app.levels.cohort.participants import gather_participants
from motor_bids_app.models.catalog import needs
from motor_bids_app.settings import Selection, Settings


@pytest.fixture
def dataset(tmp_path):
    """Writes tables and features; returns the settings of a group run."""

    def write(participants, features, sessions=()):
        raw, out = tmp_path / "raw", tmp_path / "out"
        raw.mkdir()
        (raw / "participants.tsv").write_text(participants)
        for participant, text in sessions:
            (raw / participant).mkdir()
            (raw / participant / f"{participant}_sessions.tsv").write_text(text)
        for prefix, text in features.items():
            home = out.joinpath(*prefix.split("_"))
            home.mkdir(parents=True)
            (home / f"{prefix}_desc-features.tsv").write_text(text)
        return Settings(bids_dir=raw, output_dir=out, level="group")

    return write


def test_features_and_tables_are_joined_by_person(dataset):
    people = gather_participants(
        dataset(
            "participant_id\tage\tfma_ue\nsub-2\t70\t20\nsub-1\t60\t50\n",
            {"sub-1": "lesion_volume\n1.5\n", "sub-2": "lesion_volume\n9\n"},
        )
    )

    table = people.table.set_index("participant_id")
    assert table.loc["sub-1", ["age", "fma_ue", "lesion_volume"]].tolist() == [60, 50, 1.5]
    assert table.loc["sub-2", ["age", "fma_ue", "lesion_volume"]].tolist() == [70, 20, 9]
    assert [scan.participant for scan in people.scans] == ["1", "2"]


def test_each_session_has_its_own_score(dataset):
    people = gather_participants(
        dataset(
            "participant_id\tage\nsub-1\t60\n",
            {"sub-1_ses-pre": "tract_load\n0.5\n", "sub-1_ses-post": "tract_load\n0.4\n"},
            [("sub-1", "session_id\tfma_ue\nses-pre\t20\nses-post\t40\n")],
        )
    )

    table = people.table.set_index("session_id")
    assert table["fma_ue"].to_dict() == {"ses-pre": 20, "ses-post": 40}
    assert table["age"].tolist() == [60, 60]


def test_a_scan_that_could_be_of_either_session_is_left_out(dataset):
    people = gather_participants(
        dataset(
            "participant_id\tfma_ue\nsub-1\tn/a\nsub-2\t30\n",
            {"sub-1": "tract_load\n0.5\n", "sub-2": "tract_load\n0.1\n"},
            [("sub-1", "session_id\tfma_ue\nses-pre\t20\nses-post\t40\n")],
        )
    )

    assert people.table["participant_id"].tolist() == ["sub-2"]
    assert "2 rows that may belong" in people.excluded["reason"].item()


def test_the_mask_decides_the_side_and_a_conflict_is_noted(dataset):
    people = gather_participants(
        dataset("participant_id\tlesion_side\nsub-1\tleft\n", {"sub-1": "lesion_side\nright\n"})
    )

    assert people.table["lesion_side"].tolist() == ["right"]
    assert any("left by the tables, but right in its mask" in note for note in people.notes)


def test_a_missing_measure_does_not_hide_what_the_tables_say(dataset):
    people = gather_participants(
        dataset("participant_id\tlesion_side\nsub-1\tleft\n", {"sub-1": "lesion_side\nn/a\n"})
    )

    assert people.table["lesion_side"].tolist() == ["left"]


def test_someone_without_a_row_is_left_out_of_training_but_can_be_predicted(dataset):
    settings = dataset(
        "participant_id\tage\nsub-1\t60\n",
        {"sub-1": "tract_load\n0.5\n", "sub-2": "tract_load\n0.1\n"},
    )

    assert gather_participants(settings).excluded["participant_id"].tolist() == ["sub-2"]
    both = gather_participants(settings, scores_required=False)
    assert both.table["participant_id"].tolist() == ["sub-1", "sub-2"]
    assert pd.isna(both.table["age"][1])


def test_nobody_in_common_and_no_tables_are_explained(dataset):
    settings = dataset("participant_id\tage\nsub-9\t60\n", {"sub-1": "tract_load\n0.5\n"})
    with pytest.raises(DataError, match="spelled alike"):
        gather_participants(settings)

    (settings.bids_dir / "participants.tsv").unlink()
    with pytest.raises(InputMissingError, match="no scores"):
        gather_participants(settings)


def test_who_has_a_score_and_no_derivatives_is_listed(dataset):
    rows = "".join(f"sub-{k}\t{score}\n" for k, score in ((1, 9), (2, 20), (3, "n/a"), (4, 5)))
    settings = dataset("participant_id\tfma_ue\n" + rows, {"sub-1": "lesion_volume\n1.5\n"})

    people = gather_participants(settings)

    assert people.excluded.to_numpy().tolist() == [
        ["sub-2", None, "no derivatives"],
        ["sub-4", None, "no derivatives"],
    ]
    assert any("2 of 3 people with a score have no derivatives" in note for note in people.notes)
    chosen = replace(settings, selection=Selection(excluded=("4",)))
    assert gather_participants(chosen).excluded["participant_id"].tolist() == ["sub-2"]
    assert gather_participants(settings, scores_required=False).excluded.empty


def test_identifiers_that_differ_in_leading_zeros_are_named(dataset):
    settings = dataset(
        "participant_id\tfma_ue\nsub-1\t60\nsub-2\t9\n",
        {"sub-001": "lesion_volume\n1.5\n", "sub-2": "lesion_volume\n1.5\n"},
    )
    first, second = gather_participants(settings).excluded["reason"]
    assert "Sub-1 is there, which differs only in leading zeros" in first
    assert second == "no derivatives (sub-001 is there, which differs only in leading zeros)"

    (settings.bids_dir / "participants.tsv").write_text("participant_id\tfma_ue\nsub-1\t60\n")
    with pytest.raises(DataError, match=r"For sub-001, sub-1 is there, .* only in leading zeros"):
        gather_participants(settings)


def test_a_rating_of_an_identifier_with_other_zeros_is_refused(dataset, tmp_path):
    settings = dataset("participant_id\tfma_ue\n001\t6\n", {"sub-001": "lesion_volume\n1\n"})
    (tmp_path / "qc.tsv").write_text("participant_id\trating\nsub-1\texclude\n")

    with pytest.raises(DataError, match=r"rates sub-1 exclude.*only in leading zeros"):
        gather_participants(replace(settings, qc_file=tmp_path / "qc.tsv"))


def test_a_rating_of_a_session_that_is_named_otherwise_is_refused(dataset, tmp_path):
    settings = dataset(
        "participant_id\tfma_ue\nsub-1\t6\nsub-2\t7\n",
        {"sub-1_ses-1": "lesion_volume\n1\n", "sub-2": "lesion_volume\n1\n"},
    )
    ratings = replace(settings, qc_file=tmp_path / "qc.tsv")
    for name, problem in (("sub-1_ses-01", "leading zeros"), ("sub-2_ses-1", "have no session")):
        ratings.qc_file.write_text(f"bids_name\trating\n{name}_T1w\texclude\n")
        with pytest.raises(DataError, match=f"rates {name.replace('_', ' ')} exclude.*{problem}"):
            gather_participants(ratings)

    ratings.qc_file.write_text("bids_name\trating\nsub-1_ses-post_T1w\texclude\n")
    note = gather_participants(ratings).notes[0]
    assert "Sessions rated exclude that have no derivatives here: 1." in note


def test_exclusion_of_an_identifier_with_other_zeros_is_refused(dataset):
    settings = dataset("participant_id\tfma_ue\n001\t6\n", {"sub-001": "lesion_volume\n1\n"})
    chosen = replace(settings, selection=Selection(excluded=("1",)))
    with pytest.raises(EmptySelectionError, match="'1' is not in the dataset: 001 is there, which"):
        gather_participants(chosen)


def test_who_is_predicted_without_a_row_for_other_zeros_is_told(dataset):
    settings = dataset("participant_id\tage\nsub-1\t60\n", {"sub-001": "tract_load\n0.5\n"})
    people = gather_participants(settings, scores_required=False)
    assert any("sub-001 has no row in the tables, but sub-1 is there" in n for n in people.notes)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("participant_id\tlesion_volume\nsub-2\t1\n", "is of sub-2, by its participant_id"),
        ("lesion_volume\n1,5\n", "line 2: lesion_volume is '1,5', which is not a number"),
        ("lesion_volume\nlarge\n", "line 2: lesion_volume is 'large', which is not a number"),
        ("lesion_volume\n1.5\t\n", "line 2 has 2 cells"),
    ],
)
def test_features_of_somebody_else_or_no_numbers_leave_out_the_scan(dataset, text, message):
    people = gather_participants(
        dataset(
            "participant_id\tfma_ue\nsub-1\t6\nsub-2\t7\n",
            {"sub-1": text, "sub-2": "lesion_volume\n1\n"},
        )
    )
    assert people.excluded["participant_id"].tolist() == ["sub-1"]
    assert message in people.excluded["reason"].item()


def test_people_rated_exclude_are_left_out_and_counted(dataset, tmp_path):
    rows = "participant_id\tfma_ue\n" + "".join(f"sub-{i}\t{10 * i}\n" for i in (1, 2, 3))
    settings = dataset(rows, {f"sub-{i}": "lesion_volume\n1\n" for i in (1, 2, 3)})
    ratings = tmp_path / "qc.tsv"
    ratings.write_text("participant_id\trating\nsub-2\texclude\nsub-3\tinclude\nsub-9\texclude\n")

    people = gather_participants(replace(settings, qc_file=ratings))

    assert [scan.participant for scan in people.scans] == ["1", "3"]
    assert people.excluded["participant_id"].tolist() == ["sub-2"]
    assert people.notes[0] == (
        "Left out by --qc-file: 1 of 3 scans (people: 1). "
        "People rated exclude who have no derivatives here: 1."
    )


DECLARED = '{name} = {{ column = "mep", minimum = 0, maximum = 300 }}\n'


@pytest.mark.parametrize(
    "name",
    ["gm_putamen_left", "eeg_mu_motor_asymmetry", "lesion_volume", "tract_load", "baseline_score"],
)
def test_a_score_that_is_called_like_a_predictor_is_refused(dataset, tmp_path, name):
    settings = dataset("participant_id\tmep\nsub-1\t60\n", {"sub-1": "snr_wm\n8\n"})
    (tmp_path / "map.toml").write_text(DECLARED.format(name=name))

    with pytest.raises(UsageError, match=f"calls a score {name}, .* such as score_{name}"):
        gather_participants(replace(settings, scores_map=tmp_path / "map.toml"))


@pytest.mark.parametrize("name", ["emg_mep", "fa_hand_left", "cmc_force", "lesion_score"])
@pytest.mark.parametrize("model", ["physiology", "regional", "lesion_volume", "demographics"])
def test_a_score_is_no_predictor_whatever_its_name(dataset, tmp_path, name, model):
    settings = dataset(
        "participant_id\tage\tmep\nsub-1\t60\t33\nsub-2\t70\t44\n",
        {
            "sub-1": "lesion_volume\temg_envelope_left\tfa_thalamus_left\n1\t2\t0.3\n",
            "sub-2": "lesion_volume\temg_envelope_left\tfa_thalamus_left\n3\t5\t0.4\n",
        },
    )
    (tmp_path / "map.toml").write_text(DECLARED.format(name=name))
    table = gather_participants(replace(settings, scores_map=tmp_path / "map.toml")).table

    assert table[name].tolist() == [33, 44]
    assert name not in needs(model).chosen(table)


def test_a_score_in_a_features_table_is_no_predictor_and_does_not_replace_the_true_one(dataset):
    people = gather_participants(
        dataset(
            "participant_id\tfma_ue\nsub-1\t20\n",
            {"sub-1": "lesion_volume\tfma_ue\tsite\temg_score\n1.5\t66\tA\t9\n"},
        )
    )

    assert people.table["fma_ue"].tolist() == [20]
    assert not {"site", "emg_score"} & set(people.table)
    assert people.notes[-1].endswith("were left out: emg_score, fma_ue, site.")


def test_regions_of_an_earlier_atlas_are_not_taken_for_those_of_the_same_name(dataset):
    people = gather_participants(
        dataset(
            "participant_id\tfma_ue\nsub-1\t20\nsub-2\t30\n",
            {
                "sub-1": "tract_load\tlesion_supp_motor_area_left\tfa_precentral_left\n.1\t0\t.4\n",
                "sub-2": "tract_load\tlesion_paracentral_left\tfa_precentral_left\n.2\t0\t.5\n",
            },
        )
    )

    assert people.table["tract_load"].tolist() == [0.1, 0.2]
    assert people.table["fa_precentral_left"].isna().tolist() == [True, False]
    assert people.notes[-1] == (
        "Features of 1 scans (sub-1) are of an earlier version, whose regions were those of AAL "
        "and not of CerebrA: what was measured by region was left out. Run the participant level "
        "on them again."
    )


def test_who_needs_no_table_is_told_what_is_wrong_with_the_features(dataset):
    settings = dataset("participant_id\tage\nsub-9\t60\n", {"sub-1": "lesion_volume\nmuch\n"})

    with pytest.raises(DataError, match="lesion_volume") as caught:
        gather_participants(settings, scores_required=False)

    assert "spelled" not in str(caught.value)


def test_doubtful_values_are_kept_by_row_and_not_in_the_table(dataset):
    people = gather_participants(
        dataset(
            "participant_id\tfma_ue\nsub-1\t20\nsub-2\t30\n",
            {"sub-1": "snr_b0\n20\n", "sub-2": "snr_b0\n1009\n"},
        )
    )

    assert people.table["snr_b0"].fillna(0).tolist() == [20, 0]
    assert people.doubtful["snr_b0"].to_dict() == {1: 1009}
