import numpy as np
import pytest
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression

from motor_bids_app.models.training.mixing import Curve, best_weight, weighted_sum

N = 400
TASKS = ["classification", "regression"]


def halves(task, seed=0, noise=0.5):
    """Two predictions that know one half of the outcome each, and the outcome."""
    random = np.random.default_rng(seed)
    a, b = random.normal(size=(2, N))
    score = a + b + noise * random.normal(size=N)
    if task == "classification":
        return expit(a), expit(b), (score > 0).astype(float)
    return a, b, score


def worth(predicted, y, task):
    return Curve.fit(predicted, y, task)(predicted)


def weight(first, second, y, task):
    return best_weight(worth(first, y, task), worth(second, y, task), y, task)


@pytest.mark.parametrize("task", TASKS)
def test_equal_halves_count_about_equally(task):
    weights = [weight(*halves(task, seed), task) for seed in range(10)]

    assert np.mean(weights) == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("sure", [0.01, 1, 4])
def test_what_knows_nothing_counts_little_however_sure_it_is(task, sure):
    for seed in range(5):
        first, second, y = halves(task, seed)
        shuffled = np.random.default_rng(seed + 10).permutation(second)
        nothing = expit(sure * logit(shuffled)) if task == "classification" else sure * shuffled

        assert weight(first, nothing, y, task) >= 0.8
        assert weight(nothing, first, y, task) <= 0.2


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("sure", [1, 3, 6])
def test_how_sure_a_model_is_does_not_change_what_it_is_worth(task, sure):
    first, _, y = halves(task)
    other = expit(sure * logit(first)) if task == "classification" else 7 + sure * first

    np.testing.assert_allclose(worth(other, y, task), worth(first, y, task), atol=0.03)


def test_what_is_worth_the_base_rate_is_given_it():
    first, _, y = halves("classification")
    backwards = 1 - first

    np.testing.assert_allclose(worth(backwards, y, "classification"), y.mean())


def test_a_line_is_that_of_least_squares():
    first, _, y = halves("regression")
    slope, intercept = np.polyfit(first, y, 1)

    np.testing.assert_allclose(worth(first, y, "regression"), intercept + slope * first, atol=0.05)


@pytest.mark.parametrize("task", TASKS)
def test_predictions_that_hardly_differ_are_not_blown_up(task):
    first, _, y = halves(task)
    middle = first.mean()

    curve = Curve.fit(middle + 1e-4 * (first - middle), y, task)

    assert np.ptp(curve(first)) < 0.5 * np.ptp(worth(first, y, task))


def test_missing_predictions_stay_missing():
    first, _, y = halves("classification")

    assert np.isnan(Curve.fit(first, y, "classification")(np.array([np.nan]))).all()


def test_people_with_one_modality_are_given_what_it_says():
    predictions = np.array([[0.2, 0.8], [np.nan, 0.8], [0.2, np.nan], [np.nan, np.nan]])

    mixed = weighted_sum(predictions, np.array([1.0, 0.0]), 0.4, "classification")

    np.testing.assert_allclose(mixed, [0.2, 0.8, 0.2, 0.4], atol=1e-6)


def test_people_who_change_class_between_sessions_count_as_half_of_either():
    first, second, y = halves("classification")
    changed = np.where(np.arange(N) % 4 == 0, 0.5, y)
    whole = np.flatnonzero(changed != 0.5)
    parts = np.flatnonzero(changed == 0.5)
    # Each person as two sessions: the same people, classes 0 and 1 alone.
    rows = np.concatenate([whole, whole, parts, parts])
    classes = np.concatenate([y[whole], y[whole], 0 * parts, 0 * parts + 1])

    half = weight(first, second, changed, "classification")
    curve = Curve.fit(first, changed, "classification")(first)
    twice = Curve.fit(first[rows], classes, "classification")(first)

    np.testing.assert_allclose(curve, twice, atol=0.01)  # a penalty counts half for twice as many
    assert half == pytest.approx(weight(first[rows], second[rows], classes, "classification"))


def test_halves_that_agree_say_more_than_either():
    first, second, score = halves("regression", noise=0.0)
    predictions = np.column_stack([first, second])
    weights = np.array([0.5, 0.5])
    whole = Curve.fit(predictions @ weights, score, "regression")

    mixed = weighted_sum(predictions, weights, 0.0, "regression", whole)

    # Each is the mean of the score that one half tells; the score is their sum, not their mean.
    np.testing.assert_allclose(mixed, score, atol=0.05)


def test_who_has_one_modality_is_not_made_surer():
    whole = Curve(0.0, 3.0, "classification")
    predictions = np.array([[0.2, 0.2], [np.nan, 0.2]])

    mixed = weighted_sum(predictions, np.array([0.5, 0.5]), 0.4, "classification", whole)

    np.testing.assert_allclose(mixed, [1 / (1 + 4**3), 0.2])


def test_independent_evidence_adds_up_in_log_odds():
    # Bayes' rule: odds of independent findings are multiplied.
    predictions = np.array([[0.8, 0.9], [0.5, 0.9]])
    whole = Curve(0.0, 2.0, "classification")  # of a mean of two, back to their sum

    mixed = weighted_sum(predictions, np.array([0.5, 0.5]), 0.5, "classification", whole)

    np.testing.assert_allclose(mixed, [36 / 37, 0.9])


@pytest.mark.parametrize("task", TASKS)
def test_few_people_do_not_tear_equal_halves_apart(task):
    weights = []
    for seed in range(20):
        first, second, y = (values[:60] for values in halves(task, seed))
        weights.append(weight(first, second, y, task))

    assert np.std(weights) < 0.15


@pytest.mark.parametrize("task", TASKS)
def test_a_weak_sum_is_taken_as_it_is(task):
    # Few people, and little to tell: no reason to believe it less, or more, than it was believed.
    random = np.random.default_rng(0)
    odds = 0.02 * random.normal(size=30)
    y = (random.random(30) < 0.5).astype(float)
    said = expit(odds) if task == "classification" else odds

    assert Curve.fit(said, y, task, usual=1.0).slope == pytest.approx(1, abs=0.3)
    assert Curve.fit(said, y, task).slope == pytest.approx(0, abs=0.3)


def test_a_logistic_curve_is_that_of_a_library():
    first, _, y = halves("classification")
    odds = logit(first)[:, None]
    model = LogisticRegression(C=1.0, tol=1e-8).fit(odds, y)

    np.testing.assert_allclose(
        worth(first, y, "classification"), model.predict_proba(odds)[:, 1], atol=1e-5
    )
