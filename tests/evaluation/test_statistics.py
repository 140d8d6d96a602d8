import numpy as np
import pytest
from scipy import stats

from motor_bids_app.evaluation import statistics


def test_resamples_draw_as_many_people_as_there_are():
    weights = statistics.bootstrap_weights(30, seed=0)

    assert weights.shape == (2000, 30)
    assert (weights.sum(axis=1) == 30).all()


def test_bootstrap_interval_of_a_mean_agrees_with_theory():
    values = np.random.default_rng(0).normal(5, 2, 200)
    resampled = statistics.bootstrap_weights(200, seed=1) @ values / 200
    low, high = statistics.percentile_interval(resampled)

    expected = 1.96 * values.std() / np.sqrt(200)
    assert (high - low) / 2 == pytest.approx(expected, rel=0.06)
    assert (high + low) / 2 == pytest.approx(values.mean(), abs=0.1 * expected)


def test_noise_floor_of_the_auc_of_new_people_is_the_spread_that_chance_gives():
    rng = np.random.default_rng(0)
    aucs = [
        stats.mannwhitneyu(rng.normal(size=15), rng.normal(size=25)).statistic / (15 * 25)
        for _ in range(4000)
    ]

    alone = statistics.auc_noise_floor(15, 25, coupled=1)
    assert alone == pytest.approx(1.96 * np.std(aucs), rel=0.05)
    assert statistics.auc_noise_floor(15, 25) > 1.25 * alone  # who train and are tested in turn


def test_noise_floor_of_a_share_is_the_spread_that_chance_gives():
    shares = np.random.default_rng(0).binomial(40, 0.5, 20_000) / 40

    assert statistics.proportion_noise_floor(40) == pytest.approx(1.96 * shares.std(), rel=0.03)


def test_noise_floor_of_a_correlation_is_the_spread_that_chance_gives():
    rng = np.random.default_rng(0)
    r = [np.corrcoef(rng.normal(size=(2, 30)))[0, 1] for _ in range(4000)]

    assert statistics.correlation_noise_floor(30) == pytest.approx(np.quantile(r, 0.975), rel=0.06)


def test_noise_floor_of_r2_is_the_spread_of_samples_where_it_is_widest():
    rng = np.random.default_rng(0)
    truth = np.sqrt(1 / 3)  # correlation
    pairs = rng.multivariate_normal([0, 0], [[1, truth], [truth, 1]], size=(3000, 200))
    r2 = [np.corrcoef(sample.T)[0, 1] ** 2 for sample in pairs]

    assert statistics.r2_noise_floor(200) == pytest.approx(1.96 * np.std(r2), rel=0.06)


def test_without_overlap_the_corrected_test_is_the_plain_one():
    differences = np.random.default_rng(0).normal(0.1, 0.2, 20)
    corrected = statistics.corrected_t_test(differences, test_to_train=0)

    plain = stats.ttest_1samp(differences, 0)
    assert (corrected.t, corrected.p) == pytest.approx((plain.statistic, plain.pvalue))


def test_overlap_of_training_sets_is_paid_for():
    """With n splits and ratio r, t shrinks by sqrt(1 + n r) (Nadeau and Bengio 2003)."""
    differences = np.random.default_rng(0).normal(0.1, 0.2, 50)
    plain, corrected = (statistics.corrected_t_test(differences, ratio) for ratio in (0, 0.25))

    assert plain.t / corrected.t == pytest.approx(np.sqrt(1 + 50 * 0.25))


@pytest.mark.parametrize(
    "differences",
    [np.zeros(10), np.full(10, 0.3), np.array([0.1, 0.2]), np.array([]), np.array([np.nan] * 3)],
)
def test_two_splits_or_differences_that_do_not_vary_have_no_p(differences):
    assert np.isnan(statistics.corrected_t_test(differences, 0.25).p)


def test_p_values_that_are_not_known_stay_so_and_count_as_tests():
    found = statistics.holm(np.array([np.nan, 0.01, 0.04]))

    np.testing.assert_allclose(found, [np.nan, 0.03, 0.08])


def test_a_metric_of_separate_splits_has_the_interval_of_a_mean():
    values = np.random.default_rng(0).normal(0.7, 0.1, 20)
    half = statistics.resampled_half_width(values, test_to_train=0)

    plain = stats.t.interval(0.95, 19, values.mean(), stats.sem(values))
    assert half == pytest.approx((plain[1] - plain[0]) / 2)


def test_overlapping_splits_do_not_make_a_metric_ever_surer():
    values = np.tile([0.6, 0.8], 5000)
    half = statistics.resampled_half_width(values, test_to_train=0.25)

    assert half == pytest.approx(1.96 * 0.5 * 0.1, rel=0.01)


def test_the_spread_over_a_few_sites_widens_no_interval():
    assert statistics.resampled_half_width(np.array([0.6, 0.9, 0.7, 0.8]), test_to_train=0.5) == 0


def test_delong_is_that_of_the_placements_and_of_resampling_people():
    rng = np.random.default_rng(0)
    poor, good = rng.normal(1, 1, 40), rng.normal(0, 1, 60)
    right = (poor[:, None] > good).astype(float)
    half = statistics.delong_half_width(right, np.ones_like(right))

    # DeLong et al. 1988, equation 4 and after: variances of both classes' placements.
    byhand = right.mean(axis=1).var(ddof=1) / 40 + right.mean(axis=0).var(ddof=1) / 60
    assert half == pytest.approx(1.959964 * np.sqrt(byhand))
    aucs = []
    for _ in range(2000):
        p, g = rng.choice(poor, 40), rng.choice(good, 60)
        aucs.append(((p[:, None] > g) + 0.5 * (p[:, None] == g)).mean())
    assert half == pytest.approx(1.96 * np.std(aucs), rel=0.08)


def test_holm_is_that_of_the_documented_example():
    # p.adjust(c(0.01, 0.02, 0.03, 0.04, 0.05), "holm") in R
    found = statistics.holm(np.array([0.05, 0.02, 0.01, 0.04, 0.03]))

    assert found == pytest.approx([0.09, 0.08, 0.05, 0.09, 0.09])
