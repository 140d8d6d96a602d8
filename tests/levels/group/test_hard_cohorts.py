"""Tables that cannot answer a question: a clear sentence, or results that say what they lack."""

import json

import numpy as np
import pandas as pd
import pytest

from motor_bids_app.errors import DataError, MotorBidsAppError
from motor_bids_app.levels.group import level as group
from motor_bids_app.settings import Settings
from motor_bids_app.simulation.tabular import simulate_table

QUICK = """
base = "baselines"
name = "quick"
[model]
rungs = ["prevalence", "demographics", "persistence", "tract_load", "regional"]
final = "tract_load"
[validation]
folds = 4
repeats = 2
permutations = 20
"""
HOLDOUT = QUICK.replace("repeats = 2", 'repeats = 1\nscheme = "repeated_holdout"')
REGIONS = ("putamen", "thalamus", "caudate")


def write(folder, people, features=("lesion_volume", "lesion_side", "tract_load")):
    """A dataset with the table of people, and derivatives with nothing but features."""
    raw, output = folder / "raw", folder / "derivatives"
    for place in (raw, output):
        place.mkdir(parents=True, exist_ok=True)
        description = {"Name": "tables", "BIDSVersion": "1.11.0"}
        (place / "dataset_description.json").write_text(json.dumps(description))
    known = (
        "participant_id",
        "group",
        "age",
        "sex",
        "site",
        "time_since_stroke",
        "fma_ue",
        "nihss",
    )
    table = people[[name for name in known if name in people]]
    table.to_csv(raw / "participants.tsv", sep="\t", index=False, na_rep="n/a")
    units = {"time_since_stroke": {"Units": "months"}}
    (raw / "participants.json").write_text(json.dumps(units))
    rng = np.random.default_rng(0)
    for row in people.to_dict("records"):
        home = output / row["participant_id"]
        home.mkdir(exist_ok=True)
        values = {name: row[name] for name in features}
        values["tract_load_weighted"] = 2 * row["tract_load"]
        shift = 0.3 * (row.get("site") == "site2")
        for region in REGIONS:
            for side in ("left", "right"):
                values[f"fa_{region}_{side}"] = (
                    0.5 - 0.1 * row["tract_load"] + shift + rng.normal(0, 0.02)
                )
        path = home / f"{row['participant_id']}_desc-features.tsv"
        pd.DataFrame([values]).to_csv(path, sep="\t", index=False, na_rep="n/a")
    return Settings(bids_dir=raw, output_dir=output, level="group")


def people(n_patients=24, n_controls=0, **columns):
    table = simulate_table(n_patients, n_controls, seed=5, n_sites=2)
    table["sex"] = table["sex"].map(lambda value: {0: "F", 1: "M"}.get(value, value))
    return table.assign(**columns)


def run(folder, table, text=QUICK, drop_regions_of=None):
    settings = write(folder, table)
    for person in table.loc[table["group"] == drop_regions_of, "participant_id"]:
        path = settings.output_dir / person / f"{person}_desc-features.tsv"
        features = pd.read_csv(path, sep="\t", keep_default_na=False)
        features.filter(regex="^(?!fa_)").to_csv(path, sep="\t", index=False)
    file = folder / "experiment.toml"
    file.write_text(text)
    group.run(Settings(**{**vars(settings), "experiments": (str(file),)}))
    return settings.output_dir / "experiments" / "quick"


def read(folder, name):
    return pd.read_csv(folder / f"{name}.tsv", sep="\t")


def poor(n_poor, n):
    """Scores of n people, of whom the first are poor."""
    return [10.0] * n_poor + [60.0] * (n - n_poor)


@pytest.mark.parametrize(
    ("table", "text", "message"),
    [
        (people(fma_ue=60.0), QUICK, "All 24 patients are good by FMA-UE < 27"),
        (
            people(fma_ue=40.0),
            QUICK.replace("[model]", '[target]\ntask = "regression"\n[model]'),
            "All 24 people have the same fma_ue",
        ),
        (people(group="control"), QUICK, "All 24 scans are of healthy controls"),
        (people(fma_ue=[20.0] + [np.nan] * 23), QUICK, "No score is known for most of the 24"),
        (people(fma_ue=poor(1, 24)), QUICK, "1 poor"),
        (
            people(12, 12, fma_ue=poor(12, 24)),
            QUICK,
            "All 12 patients are poor by FMA-UE < 27.* The 12 controls do not count",
        ),
        (people(12, 12, fma_ue=poor(11, 24)), QUICK, "too few patients.*: 1 good, 11 poor"),
        (
            people(4, fma_ue=[1.0, 2, 50, 60]),
            QUICK.replace("[model]", '[target]\ntask = "regression"\n[model]'),
            "Only 4 patients have",
        ),
        (
            people(site="Bonn"),
            QUICK + 'scheme = "leave_one_site_out"\n',
            "All 24 people are from one site, Bonn",
        ),
        (
            people(site=["a"] * 12 + ["b"] * 12, fma_ue=poor(12, 24)),
            QUICK + 'scheme = "leave_one_site_out"\n',
            "Without the people of site a, all 12 others",
        ),
        (
            people(24, fma_ue=poor(7, 24)),
            HOLDOUT,
            "The splits test 1 poor and 3 good people: metrics need at least 2 of each",
        ),
        (
            people(12),
            HOLDOUT.replace("[model]", '[target]\ntask = "regression"\n[model]'),
            "The splits test 2 people with 2 different scores",
        ),
        (
            people(site="Bonn"),
            QUICK.replace("[model]", '[inputs]\nharmonise = "combat"\n[model]'),
            "needs two sites or more, and there is one, Bonn",
        ),
        (
            people(fma_ue=poor(2, 24)),
            QUICK.replace("final", 'recalibrate = "logistic"\nfinal'),
            "Recalibration needs two training people or more in each class",
        ),
        (
            people(age=np.nan, sex=None, time_since_stroke=np.nan),
            QUICK.replace('final = "tract_load"', "")
            .replace('"prevalence", ', "")
            .replace('"demographics", "persistence", "tract_load", "regional"', '"demographics"'),
            "No model of quick has its inputs",
        ),
    ],
    ids=[
        "one class",
        "constant score",
        "all controls",
        "scores of few",
        "one poor person",
        "only controls are good",
        "one good patient beside controls",
        "four scores",
        "one site",
        "sites of one class each",
        "one holdout of few people",
        "one holdout of few scores",
        "nothing to harmonise",
        "too few to recalibrate",
        "no inputs",
    ],
)
def test_what_cannot_be_answered_is_explained(tmp_path, table, text, message):
    with pytest.raises(MotorBidsAppError, match=message) as error:
        run(tmp_path, table, text)
    assert isinstance(error.value, DataError)
    assert error.value.exit_code == 65


def test_fewer_people_than_folds_reduce_the_folds_and_nothing_is_missing(tmp_path):
    folder = run(tmp_path, people(6, fma_ue=poor(3, 6)), QUICK.replace("folds = 4", "folds = 10"))

    assert read(folder, "splits")["fold"].max() == 3
    assert "3 folds are used" in (folder / "report.html").read_text()
    metrics = read(folder, "metrics")
    main = metrics[metrics["metric"].isin(["roc_auc", "brier", "accuracy"])]
    assert main[["value", "low", "high"]].notna().all(axis=None)
    subgroups = read(folder, "subgroups")
    assert subgroups["remark"].str.startswith("too few").all()


def test_regional_features_that_controls_lack_are_noted_and_counted(tmp_path):
    table = people(24, 6)
    folder = run(tmp_path, table, drop_regions_of="control")

    audit = read(folder, "audit").set_index("name")
    assert audit.loc["telling-gaps", "state"] == "warning"
    assert "regional fa" in audit.loc["telling-gaps", "finding"]


def test_a_constant_feature_and_missing_demographics_do_no_harm(tmp_path):
    table = people(tract_load=0.5, fma_ue=poor(12, 24), time_since_stroke=np.nan)
    folder = run(tmp_path, table)

    metrics = read(folder, "metrics").set_index(["model", "metric"])
    assert metrics.loc[("tract_load", "roc_auc"), "value"] == 0.5
    missing = read(folder, "missing").set_index("what")
    assert missing.loc["time since stroke", "n_missing"] == 24
    assert missing.loc["time since stroke", "rule"] == "nobody has it: models do without"


def test_everything_at_once_runs_and_is_reported(tmp_path):
    table = people(40, 6, nihss=np.arange(46) % 20.0)
    table.loc[:3, "age"] = np.nan
    text = QUICK.replace(
        "[model]", '[inputs]\nharmonise = "combat"\nbaseline_score = "nihss"\n[model]'
    ).replace("final =", 'recalibrate = "logistic"\nfinal =')
    folder = run(tmp_path, table, text + 'leave_out = "site"\n')

    page = (folder / "report.html").read_text()
    for words in (
        "were harmonised by ComBat",
        "the experiment says was measured before FMA-UE",
        "Baseline score",
        "Sites left out of training",
        "first evaluation on these people",
        "In parts of the cohort",
        "patients and controls",
        "Recalibration of",
        "Lacked by",
        "4 of 46",
        "filled with the median",
    ):
        assert words in page, words
    states = read(folder, "recalibration")["probabilities"].unique()
    assert list(states) == ["before", "after"]
    described = json.loads((folder / "subgroups.json").read_text())
    assert list(described) == list(read(folder, "subgroups"))
    assert "persistence" in set(read(folder, "metrics")["model"])


def test_incomplete_people_are_left_out_when_asked_to(tmp_path):
    table = people()
    table.loc[:2, "age"] = np.nan
    text = QUICK.replace("[model]", '[inputs]\nmissing = "leave_out"\n[model]')
    folder = run(tmp_path, table, text)

    excluded = read(folder, "excluded")
    assert len(excluded) == 3
    assert excluded["reason"].str.contains("lacks age").all()
    assert (read(folder, "missing")["n_missing"] == 0).all()
