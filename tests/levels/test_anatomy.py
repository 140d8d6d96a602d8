import nibabel as nib
import numpy as np
import pytest

from motor_bids_app.bids.scan import Scan
from motor_bids_app.levels.anatomy import preprocess_anatomy
from motor_bids_app.levels.outputs import Outputs
from motor_bids_app.settings import ProcessingSettings
from motor_bids_app.spaces.templates import load_template


@pytest.fixture(scope="module")
def flair(tmp_path_factory):
    """FLAIR of the template's brain: grey matter brighter than white, fluid dark."""
    grey, white, brain = (
        np.asarray(load_template(kind, 3).dataobj, dtype=np.float32)
        for kind in ("GM", "WM", "brain")
    )
    fluid = np.clip(1 - grey - white, 0, 1)
    noise = np.random.default_rng(0).normal(0, 0.03, brain.shape)
    values = 700 * brain * np.clip(0.9 * grey + 0.65 * white + 0.15 * fluid + noise, 0.02, None)
    path = tmp_path_factory.mktemp("raw") / "sub-1_FLAIR.nii.gz"
    nib.save(nib.Nifti1Image(values.astype(np.float32), load_template("brain", 3).affine), path)
    return path


@pytest.mark.slow
def test_grey_and_white_matter_of_flair_are_not_taken_for_each_other(flair, tmp_path):
    outputs = Outputs(tmp_path, "1", None, datasets={"raw": flair.parent})

    preprocess_anatomy(Scan(participant="1", flair=flair), outputs, ProcessingSettings(sloppy=True))

    inside = np.asarray(load_template("brain", 3).dataobj) > 0
    truth = {name: np.asarray(load_template(name, 3).dataobj)[inside] for name in ("GM", "WM")}
    for name, other in (("GM", "WM"), ("WM", "GM")):
        found = np.asarray(outputs.load("probseg", "anat", label=name).dataobj)[inside]
        own, others = (np.corrcoef(found, truth[kind])[0, 1] for kind in (name, other))
        assert own > 0.5, name
        assert own > others + 0.3, name
