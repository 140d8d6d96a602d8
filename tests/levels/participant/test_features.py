import nibabel as nib
import numpy as np
import pytest

from motor_bids_app.bids.tables.tsv import read_table
from motor_bids_app.levels.participant.features import extract_features
from motor_bids_app.levels.participant.outputs import Outputs
from motor_bids_app.spaces.templates import load_template


@pytest.fixture
def measure(tmp_path):
    """Save a map of mean diffusivity that ends at a height in mm; return features and notes."""

    def measure(top):
        brain = load_template("brain", 2)
        heights = brain.affine[2, 2] * np.arange(brain.shape[2]) + brain.affine[2, 3]
        values = 7e-4 * np.asarray(brain.dataobj) * (heights < top)
        outputs = Outputs(tmp_path, "1", None)
        path = outputs.path("dwimap", "dwi", model="tensor", param="md", standard=True)
        path.parent.mkdir(parents=True)
        nib.save(nib.Nifti1Image(values.astype(np.float32), brain.affine), path)
        extract_features(outputs)
        return read_table(outputs.features_table).iloc[0], outputs.load_facts().notes

    return measure


def test_diffusion_that_ends_below_the_vertex_is_noted(measure):
    features, notes = measure(40)

    assert 0.5 < float(features["dwi_coverage"]) < 0.9
    assert any("has no diffusion" in note for note in notes)


def test_whole_diffusion_is_not(measure):
    features, notes = measure(200)

    assert float(features["dwi_coverage"]) == 1
    assert notes == []
