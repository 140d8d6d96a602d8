"""Real bold of a person whose field was measured: judged by the edges of the head image."""

from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest

from motor_bids_app.bids.files import load_image
from motor_bids_app.bids.index import index_dataset
from motor_bids_app.levels.participant.distortion.images import (
    DistortionImages,
    read_distortion_images,
)
from motor_bids_app.levels.participant.functional.inputs import BoldInputs
from motor_bids_app.levels.participant.functional.placement import place_mean
from motor_bids_app.levels.participant.functional.read import read_series
from motor_bids_app.mri.anatomy import reorient
from motor_bids_app.mri.brain_mask import extract_brain
from motor_bids_app.mri.distortion import susceptibility
from motor_bids_app.settings import BoldSettings, Selection
from motor_bids_app.spaces.transforms import Transform

WRONG = {"PhaseEncodingDirection": "j"}


@pytest.fixture(scope="module")
def inputs(test_data):
    (scan,) = index_dataset(test_data / "dwi_ap_pa_b2500", Selection())
    series = read_series(scan.bold, BoldSettings(dummy_scans=0))
    head = reorient(load_image(scan.t1w))
    brain = extract_brain(head)
    return BoldInputs(
        series=series,
        motion=None,
        space=None,
        head=head,
        brain=brain,
        white_matter=brain,
        to_head=Transform(),
        tissue={},
        lesion=None,
        seed=np.zeros(1, dtype=bool),
        distortion=read_distortion_images(
            series.image, series.sidecar, scan.bold.reverse_phase, scan.bold.field_map
        ),
    )


def placed(inputs, sidecar, **changes):
    """Place the mean of the series with what differs; return placement and facts."""
    facts = type(inputs.series.facts)()
    series = replace(inputs.series, sidecar=inputs.series.sidecar | sidecar, facts=facts)
    mean = nib.Nifti1Image(series.data.mean(axis=3), series.image.affine)
    return place_mean(mean, mean, replace(inputs, series=series, **changes)), facts


@pytest.mark.slow
def test_the_field_map_makes_real_bold_more_like_the_head(inputs):
    placement, facts = placed(inputs, {})

    measured = facts.quality
    assert (
        measured["bold_coregistration_similarity"] > measured["bold_similarity_uncorrected"] + 0.005
    )
    assert 0.5 < measured["bold_distortion"] < 3
    assert "bold_susceptibility_map" in facts.methods
    assert placement.distortion is not None


@pytest.mark.slow
def test_real_bold_with_the_wrong_direction_of_phase_encoding_is_not_corrected(inputs):
    placement, facts = placed(inputs, WRONG)

    assert placement.distortion is None
    assert "bold_susceptibility_refused" in facts.methods


@pytest.mark.slow
def test_a_field_by_the_head_that_fits_its_edges_worse_is_refused(inputs, monkeypatch):
    monkeypatch.setattr(susceptibility, "LEAST_GAIN", 0.05)  # so that the edges decide
    placement, facts = placed(inputs, {}, distortion=DistortionImages(), by_head=True)

    assert placement.distortion is None
    assert "bold_susceptibility_refused" in facts.methods


@pytest.mark.slow
def test_real_bold_that_the_head_would_hardly_help_is_left_and_that_is_said(inputs):
    placement, facts = placed(inputs, {}, distortion=DistortionImages(), by_head=True)

    assert placement.distortion is None
    assert "bold_susceptibility_head" not in facts.methods
    assert any("similarity rise from" in note for note in facts.notes)


@pytest.mark.slow
def test_what_was_done_instead_of_a_field_map_is_a_warning(inputs):
    broken = DistortionImages(
        failed={"map": "The field map was not used against distortion: lost."}
    )

    _, facts = placed(inputs, {}, distortion=broken)

    assert facts.warnings == [f"{broken.failed['map']} Distortion was not corrected."]


@pytest.mark.slow
def test_without_a_map_bold_is_left_unless_the_head_was_asked(inputs):
    placement, facts = placed(inputs, {}, distortion=DistortionImages())

    assert placement.distortion is None
    assert "bold_susceptibility_left" in facts.methods
