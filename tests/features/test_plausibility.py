import pytest

from motor_bids_app.features import plausibility
from motor_bids_app.features.columns import is_feature
from motor_bids_app.features.plausibility import LIMITS, NAMES, doubts
from motor_bids_app.mri import rigid

HEALTHY = {
    "gm_wm_ratio": 1.3, "white_matter_fa": 0.42, "white_matter_md": 7.5e-4, "snr_b0": 27.0,
    "template_correlation": 0.9, "brain_dice": 0.98, "motion_mean_fd": 0.4,
    "motion_max_translation": 0.8, "bold_mean_fd": 0.2, "bold_tsnr": 60.0,
    "lesion_coregistration_similarity": 0.6, "dwi_coregistration_similarity": 0.6,
    "bold_coregistration_similarity": 0.5, "dwi_shell_jump": 0.6, "dwi_coverage": 0.97,
    "bold_coverage": 0.9,
}  # fmt: skip


def test_a_usual_head_raises_no_doubt():
    assert doubts(HEALTHY) == []


@pytest.mark.parametrize(
    ("measure", "value"),
    [
        ("gm_wm_ratio", 550 / 89),  # a real head of 82 years whose white matter was missed
        ("gm_wm_ratio", 0.5),
        ("white_matter_fa", 0.05),
        ("white_matter_md", 1.2e-3),
        ("white_matter_md", 7.5e-7),  # b-values taken for s/mm2 that are ms/um2
        ("snr_b0", 1009.0),
        ("template_correlation", -0.1),
        ("brain_dice", 0.6),
        ("motion_mean_fd", 3.8),
        ("motion_max_translation", 40.0),
        ("bold_tsnr", 1.0),
        ("dwi_shell_jump", 21.0),  # as a series of b = 2500 was turned once
        ("dwi_coverage", 0.1),
        ("bold_coverage", 0.1),
        ("lesion_coregistration_similarity", 0.3),
        ("dwi_coregistration_similarity", 0.3),
        ("bold_coregistration_similarity", 0.3),
    ],
)
def test_what_cannot_be_is_named_with_its_value_and_what_can_be(measure, value):
    ((limit, found),) = doubts({**HEALTHY, measure: value})

    assert (limit.measure, found) == (measure, value)
    assert limit.words in limit.sentence(found)
    assert f"{limit.scale * value:.3g}" in limit.sentence(found)


def test_the_volumes_of_old_heads_are_plausible():
    labels = {  # ml of grey and white matter of people of 69 to 96 years, by their labels
        3: (590, 499), 5: (553, 480), 7: (596, 446), 9: (551, 468), 11: (569, 488),
        15: (606, 483), 17: (504, 424), 19: (663, 568), 21: (576, 498), 23: (634, 562),
    }  # fmt: skip

    assert all(doubts({"gm_wm_ratio": grey / white}) == [] for grey, white in labels.values())


def test_missing_measures_and_allowed_ones_raise_no_doubt():
    assert doubts({"gm_wm_ratio": float("nan"), "snr_b0": None}) == []
    assert doubts({"gm_wm_ratio": 9.0}, allowed=["gm_wm_ratio"]) == []


def test_columns_that_depend_on_a_measure_are_those_of_its_maps():
    limit = next(limit for limit in LIMITS if limit.measure == "white_matter_md")

    assert limit.spoils("fa_thalamus_left")
    assert limit.spoils("md_corticospinal_tract_asymmetry")
    assert not limit.spoils("gm_thalamus_left")
    assert not limit.spoils("lesion_volume")


def test_models_leave_out_what_lies_doubtfully_from_where_the_step_warns():
    assert plausibility.LEAST_SIMILARITY == rigid.LEAST_SIMILARITY


@pytest.mark.parametrize(
    ("measure", "spoiled", "kept"),
    [
        ("lesion_coregistration_similarity", "lesion_volume", "lesion_mask"),
        ("lesion_coregistration_similarity", "tract_load_left", "fa_thalamus_left"),
        ("dwi_coregistration_similarity", "md_thalamus_left", "gm_thalamus_left"),
        ("bold_coregistration_similarity", "m1_coupling", "fa_thalamus_left"),
    ],
)
def test_what_lies_doubtfully_spoils_what_is_measured_there(measure, spoiled, kept):
    limit = next(limit for limit in LIMITS if limit.measure == measure)

    assert limit.spoils(spoiled)
    assert not limit.spoils(kept)


def test_every_measure_is_a_column_of_the_features_table():
    assert all(map(is_feature, NAMES))
