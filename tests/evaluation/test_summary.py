import numpy as np
import pandas as pd
import pytest
from scipy import stats

from motor_bids_app.evaluation.paper import as_paper
from motor_bids_app.evaluation.predictions import Predictions
from motor_bids_app.evaluation.splits import make_splits
from motor_bids_app.evaluation.summary import metrics_table

N = 60
PEOPLE = [f"sub-{i:02d}" for i in range(N)]
TRUTH = pd.Series(np.r_[np.ones(25), np.zeros(35)], index=PEOPLE)


def predicted(signal, seed=0, truth=TRUTH, repeats=4):
    """Predictions that differ by `signal` standard deviations between the classes."""
    rng = np.random.default_rng(seed)
    table = make_splits(PEOPLE, truth.to_numpy().astype(int), folds=5, repeats=repeats)
    own = pd.Series(rng.normal(size=N) + signal * (truth.to_numpy() - 0.5), index=PEOPLE)
    noisy = own[table["participant_id"]].to_numpy() + rng.normal(0, 0.1, len(table))
    table["prediction"] = 1 / (1 + np.exp(-noisy))
    return Predictions.of(table, truth)


def test_estimates_lie_in_their_intervals_and_ranges():
    table = metrics_table({"a": predicted(2)}, "classification", 0, {"all": np.ones(N, bool)})
    table = table[table["metric"] != "ece"]  # which has none

    assert ((table["low"] <= table["value"]) & (table["value"] <= table["high"])).all()
    spread = table[["repeat_min", "value", "repeat_max"]].to_numpy()
    assert (np.diff(spread, axis=1) >= -0.01).all()


def test_chance_is_within_the_noise_floor_and_signal_is_not():
    everyone = {"all": np.ones(N, bool)}
    table = metrics_table(
        {"none": predicted(0), "strong": predicted(3)}, "classification", 0, everyone
    )
    auc = table[table["metric"] == "roc_auc"].set_index("model")

    beyond = (auc["value"] - 0.5).abs() > auc["noise_floor"]
    assert beyond.to_dict() == {"none": False, "strong": True}


def test_patients_alone_are_reported_unless_they_lack_a_class():
    patients = TRUTH.to_numpy() == 1
    mixed = np.arange(N) % 2 == 0
    populations = {"all": np.ones(N, bool), "patients": patients, "even": mixed}
    table = metrics_table({"a": predicted(2)}, "classification", 0, populations)

    assert table["population"].unique().tolist() == ["all", "even"]
    assert table.groupby("population")["n_people"].first().to_dict() == {"all": 60, "even": 30}


def test_mean_of_maxima_is_the_best_training_of_each_subset():
    truth = pd.Series({"a": 1.0, "b": 0.0, "c": 1.0, "d": 0.0})
    right, wrong = [0.9, 0.1, 0.8, 0.2], [0.1, 0.9, 0.2, 0.8]
    rows = [
        (repeat, 1, training, person, p)
        for repeat in (1, 2)
        for training, values in ((1, right), (2, wrong))
        for person, p in zip("abcd", values, strict=True)
    ]
    table = as_paper(
        pd.DataFrame(rows, columns=["repeat", "fold", "training", "participant_id", "prediction"]),
        truth,
    ).set_index(["class", "metric"])

    accuracy = table.loc[("overall", "accuracy")]
    assert accuracy["mean"] == pytest.approx(0.5)
    assert accuracy["mean_of_maxima"] == pytest.approx(1)


def test_each_fold_is_a_test_set_of_the_paper_and_those_of_one_class_are_left_out():
    truth = pd.Series(dict(zip("abcdefgh", [1.0, 0, 1, 0, 1, 0, 1, 1], strict=True)))
    folds = dict(zip("abcdefgh", [1, 1, 2, 2, 3, 3, 4, 4], strict=True))
    right = {1: 1.0, 2: 0.5, 3: 0.0}  # accuracy of each fold with both classes
    values = {"a": 0.9, "b": 0.1, "c": 0.9, "d": 0.9, "e": 0.1, "f": 0.9, "g": 0.9, "h": 0.9}
    rows = [(1, folds[person], 1, person, value) for person, value in values.items()]
    table = as_paper(
        pd.DataFrame(rows, columns=["repeat", "fold", "training", "participant_id", "prediction"]),
        truth,
    ).set_index(["class", "metric"])

    accuracy = table.loc[("overall", "accuracy")]
    assert accuracy["n_test_sets"] == len(right)
    assert accuracy["mean"] == pytest.approx(np.mean(list(right.values())))
    assert (accuracy["min"], accuracy["max"]) == (0.0, 1.0)


def test_only_probabilities_have_a_calibration():
    both = {"a": predicted(1), "svm-flatten": predicted(2)}
    table = metrics_table(
        both, "classification", 0, {"all": np.ones(N, bool)}, uncalibrated=["svm-flatten"]
    )
    assert set(table[table["metric"] == "calibration_slope"]["model"]) == {"a"}
    assert set(table[table["metric"] == "brier"]["model"]) == set(both)


def test_the_good_class_mirrors_the_poor_class():
    truth = pd.Series(dict(zip("abcdef", [1.0, 1, 1, 0, 0, 0], strict=True)))
    values = zip("abcdef", [0.9, 0.6, 0.3, 0.5, 0.2, 0.1], strict=True)
    rows = [(1, 1, 1, person, p) for person, p in values]
    table = as_paper(
        pd.DataFrame(rows, columns=["repeat", "fold", "training", "participant_id", "prediction"]),
        truth,
    ).set_index(["class", "metric"])["mean"]

    assert table["good", "specificity"] == table["poor", "recall"] == pytest.approx(2 / 3)
    assert table["good", "recall"] == table["poor", "specificity"] == pytest.approx(2 / 3)
    assert table["good", "roc_auc"] == pytest.approx(table["poor", "roc_auc"])


def test_scores_have_intervals_too():
    score = pd.Series(np.linspace(0, 66, N), index=PEOPLE)
    table = make_splits(PEOPLE, score.to_numpy(), folds=5, repeats=3)
    noise = np.random.default_rng(0).normal(0, 10, len(table))
    table["prediction"] = score[table["participant_id"]].to_numpy() + noise
    metrics = metrics_table(
        {"a": Predictions.of(table, score)}, "regression", 0, {"all": np.ones(N, bool)}
    ).set_index("metric")

    assert metrics.loc["mae", "value"] == pytest.approx(10 * np.sqrt(2 / np.pi), rel=0.1)
    assert metrics.loc["r2", "low"] < metrics.loc["r2", "value"] < metrics.loc["r2", "high"]


def test_a_perfect_result_of_few_people_is_not_called_certain():
    everyone = {"all": np.ones(N, bool)}
    table = metrics_table({"a": predicted(40)}, "classification", 0, everyone).set_index("metric")

    auc = table.loc["roc_auc"]
    assert auc["value"] == auc["high"] == 1
    assert auc["low"] == pytest.approx(0.025 ** (1 / 25))  # one success per poor person
    specificity = table.loc["specificity"]
    exact = stats.binomtest(35, 35).proportion_ci(method="exact")
    assert (specificity["low"], specificity["high"]) == pytest.approx((exact.low, exact.high))


def test_people_who_were_never_tested_do_not_make_a_result_surer():
    splits = make_splits(
        PEOPLE,
        TRUTH.to_numpy().astype(int),
        scheme="repeated_holdout",
        repeats=1,
        balanced_test=True,
    )
    splits["prediction"] = np.linspace(0, 1, len(splits))
    holdout = Predictions.of(splits, TRUTH)
    table = metrics_table({"a": holdout}, "classification", 0, {"all": np.ones(N, bool)})

    row = table.set_index("metric").loc["roc_auc"]
    assert (row["n_people"], row["n_poor"]) == (12, 6)
    assert row["noise_floor"] > 0.3  # 6 against 6 people, not 25 against 35


def test_a_perfect_precision_is_not_certain():
    table = metrics_table({"a": predicted(200)}, "classification", 0, {"all": np.ones(N, bool)})
    low = table.set_index("metric")["low"]

    assert low["precision"] == pytest.approx(0.025 ** (1 / 25))  # Clopper and Pearson, 25 called
    assert low["f1"] < 1


def test_figures_of_the_best_training_belong_together():
    random = np.random.default_rng(0)
    people = [f"sub-{n:02d}" for n in range(20)]
    truth = pd.Series(np.repeat([1.0, 0.0], 10), index=people)
    rows = [
        (repeat, 1, training, person, 0.25 + truth[person] / 2 + random.normal(0, 0.4))
        for repeat in range(1, 5)
        for training in range(1, 6)
        for person in people
    ]
    columns = ["repeat", "fold", "training", "participant_id", "prediction"]
    table = pd.DataFrame(rows, columns=columns)
    table["prediction"] = table["prediction"].clip(0, 1)

    best = as_paper(table, truth).set_index(["class", "metric"])["mean_of_maxima"]

    called = table.assign(
        right=(table["prediction"] >= 0.5) == (table["participant_id"].map(truth) == 1)
    )
    by_training = called.groupby(["repeat", "training"])["right"].mean()
    assert best["overall", "accuracy"] == pytest.approx(by_training.groupby("repeat").max().mean())
    middle = (best["poor", "recall"] + best["poor", "specificity"]) / 2
    assert best["poor", "accuracy"] == pytest.approx(middle)
    assert best["good", "recall"] == pytest.approx(best["poor", "specificity"])
