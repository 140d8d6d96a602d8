"""Splits by site, and splits of the user."""

import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from motor_bids_app.errors import DataError, InputMissingError
from motor_bids_app.levels.group import level as group
from motor_bids_app.levels.group.splitting import read_splits, usable_splits

TABLE_ONLY = """
base = "baselines"
name = "quick"
[model]
rungs = ["prevalence", "tract_load"]
[validation]
folds = 3
repeats = 2
permutations = 20
"""


@pytest.fixture
def cohort(fake_cohort, tmp_path):
    """A copy without images: 20 patients, half of them poor, and 6 controls, at two sites."""
    shutil.copytree(fake_cohort.raw, tmp_path / "raw")
    shutil.copytree(
        fake_cohort.output, tmp_path / "derivatives", ignore=shutil.ignore_patterns("*.nii.gz")
    )
    own = replace(fake_cohort, raw=tmp_path / "raw", output=tmp_path / "derivatives")
    edit(own, lambda t: t.assign(site=np.where(np.arange(len(t)) % 3 == 0, "Bonn", "Aachen")))
    return own


def edit(cohort, change):
    path = cohort.raw / "participants.tsv"
    change(pd.read_csv(path, sep="\t", keep_default_na=False)).to_csv(path, sep="\t", index=False)


def run(cohort, validation="", allow=()):
    """Run the group level; return the folder of results."""
    file = cohort.raw.parent / "experiment.toml"
    file.write_text(TABLE_ONLY + validation)
    group.run(cohort.settings("group", experiments=(str(file),), allow=allow))
    return cohort.output / "experiments" / "quick"


def read(folder, name):
    return pd.read_csv(folder / f"{name}.tsv", sep="\t")


@pytest.mark.parametrize("key", ['scheme = "leave_one_site_out"', 'leave_out = "site"'])
def test_each_site_is_tested_by_models_of_the_others(cohort, key):
    folder = run(cohort, key)

    sites = pd.read_csv(cohort.raw / "participants.tsv", sep="\t").set_index("participant_id")
    splits = read(folder, "splits")
    tested = splits["participant_id"].map(sites["site"]).groupby(splits["fold"]).unique()
    assert [list(names) for names in tested] == [["Aachen"], ["Bonn"]]
    assert "leave one site out" in (folder / "report.html").read_text()


def test_flaws_that_need_other_units_cannot_be_made_where_sites_are_left_out(cohort):
    folder = run(cohort, AS_PUBLISHED.replace('splits = "mine.tsv"', 'leave_out = "site"'))

    assert (folder / "permutation.json").is_file()
    ladder = read(folder, "leakage_ladder").set_index("protocol")
    assert "Sites are tested whole" in ladder.loc["augmented-before-split", "reason"]


def test_tables_of_an_earlier_run_do_not_stay(cohort):
    folder = run(cohort, AS_PUBLISHED.replace('splits = "mine.tsv"', 'leave_out = "site"'))
    assert (folder / "leakage_ladder.json").is_file()
    (folder / "notes.tsv").write_text("of the user")
    file = cohort.raw.parent / "experiment.toml"
    file.write_text(TABLE_ONLY.replace("permutations = 20", "permutations = 0"))
    group.run(cohort.settings("group", experiments=(str(file),)))

    left = {path.name.split(".")[0] for path in folder.iterdir()}
    assert not left & {"leakage_ladder", "permutation"}
    assert {"metrics", "notes"} <= left


def test_people_without_a_site_are_named(cohort):
    edit(cohort, lambda t: t.assign(site=["n/a", *t["site"][1:]]))
    with pytest.raises(DataError, match=r"1 of 26 people have no site \(sub-01\)"):
        run(cohort, 'leave_out = "site"')


def test_our_own_splits_fed_back_give_the_same_results(cohort):
    first = run(cohort)
    names = ("metrics", "out_of_fold", "comparisons", "permutation")
    before = {name: read(first, name) for name in names}
    shutil.copy(first / "splits.tsv", cohort.raw.parent / "mine.tsv")
    again = run(cohort, 'splits = "mine.tsv"')

    for name, table in before.items():
        pd.testing.assert_frame_equal(read(again, name), table)
    tripod = (again / "checklists" / "tripod-ai.json").read_text()
    assert "Splits from a file of the user" in tripod
    assert "k-fold" not in tripod
    assert 'splits = "splits.tsv"' in (again / "experiment.toml").read_text()
    for path in again.rglob("*"):  # no path of this machine leaves with the results
        assert path.is_dir() or str(cohort.raw.parent).encode() not in path.read_bytes()


def write(cohort, rows):
    text = "\n".join(["repeat\tfold\tparticipant_id", *("\t".join(map(str, r)) for r in rows)])
    path = cohort.raw.parent / "mine.tsv"
    path.write_text(text + "\n")
    return path


HALVES = [(1, 1 + k % 2, f"sub-{k + 1:02d}") for k in range(26)]


@pytest.mark.parametrize(
    ("rows", "message", "allowed"),
    [
        ([*HALVES, (1, 2, "sub-01")], "tested twice in a repeat: sub-01", "two-folds"),
        ([*HALVES, (1, 2, "sub-99")], "not in the experiment: sub-99", "strangers"),
    ],
    ids=["two folds", "unknown person"],
)
def test_the_audit_stops_wrong_splits_unless_allowed(cohort, rows, message, allowed):
    write(cohort, rows)
    with pytest.raises(DataError, match=message):
        run(cohort, 'splits = "mine.tsv"')

    metrics = read(run(cohort, 'splits = "mine.tsv"', allow=(allowed,)), "metrics")
    assert metrics["n_people"].max() == 26


AS_PUBLISHED = """
splits = "mine.tsv"
[as_published]
protocols = ["augmented-before-split"]
"""


@pytest.mark.parametrize(
    "rows",
    [
        [(5 + repeat, 10 * fold, label) for repeat in (0, 1) for _, fold, label in HALVES],
        [(1, 1, f"sub-{k:02d}") for k in range(6, 19)],
    ],
    ids=["any numbers", "one test set"],
)
def test_splits_of_any_numbers_do_for_all_analyses(cohort, rows):
    write(cohort, rows)
    folder = run(cohort, AS_PUBLISHED)

    p = read(folder, "permutation").set_index("population")["p_value"]
    assert p["patients"] == pytest.approx(1 / 21)  # the least of 20 permutations: damage is planted
    assert len(read(folder, "learning_curve"))
    ladder = read(folder, "leakage_ladder").set_index("protocol")
    assert ladder.loc["augmented-before-split", "state"].eq("optimistic").all()


def test_people_whom_the_file_never_tests_are_reported(cohort):
    write(cohort, HALVES[:-2])
    audit = read(run(cohort, 'splits = "mine.tsv"'), "audit").set_index("name")

    assert audit.loc["untested", "participants"] == "sub-25, sub-26"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("fold\tparticipant_id\n1\tsub-01\n", "has no column repeat"),
        ("repeat\tfold\tparticipant_id\n", "no rows"),
        ("repeat\tfold\tparticipant_id\n1\t0\tsub-01\n", "line 2: fold is '0'"),
        ("repeat\tfold\tparticipant_id\n1\t1\tsub-01\n1\tn/a\tsub-02\n", "line 3: fold is 'n/a'"),
        ("repeat\tfold\tparticipant_id\n1\t1\ta_1\n", "line 2: participant_id is 'sub-a_1'"),
        ("repeat\tfold\tparticipant_id\n1\t1\tsub-01\t\n", "line 2 has 4 cells"),
    ],
    ids=["no repeat", "empty", "fold 0", "missing fold", "no label", "rows end with a tab"],
)
def test_a_bad_split_file_is_explained(tmp_path, text, message):
    path = tmp_path / "splits.tsv"
    path.write_text(text)
    with pytest.raises(DataError, match=message):
        read_splits(path)


def test_identifiers_in_splits_need_no_prefix(tmp_path):
    path = tmp_path / "splits.tsv"
    path.write_text("repeat\tfold\tparticipant_id\n1\t1\t01\n\n1\t2\tSUB-02 \n")

    assert read_splits(path)["participant_id"].tolist() == ["sub-01", "sub-02"]


def test_a_split_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InputMissingError, match=r"nowhere\.tsv does not exist"):
        read_splits(tmp_path / "nowhere.tsv")


def test_test_sets_that_overlap_become_repeats_of_their_own():
    rows = [(1, 1, "a"), (1, 1, "b"), (1, 2, "a"), (1, 2, "c"), (1, 2, "x"), (1, 2, "c")]
    splits = usable_splits(
        pd.DataFrame(rows, columns=["repeat", "fold", "participant_id"]), list("abc")
    )

    assert not splits.duplicated(["repeat", "participant_id"]).any()
    sets = splits.groupby(["repeat", "fold"])["participant_id"].apply(list).tolist()
    assert sets == [["a", "b"], ["a", "c"]]
