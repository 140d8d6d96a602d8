import nibabel as nib
import numpy as np
import pytest

from motor_bids_app.bids.lesion_names import LesionFile
from motor_bids_app.bids.scan import Scan
from motor_bids_app.levels.participant.diffusion import place as diffusion_place
from motor_bids_app.levels.participant.outputs import Outputs
from motor_bids_app.mri.registration import Registration
from motor_bids_app.settings import ProcessingSettings
from motor_bids_app.spaces.templates import load_template
from motor_bids_app.spaces.transforms import Transform


@pytest.fixture
def place(tmp_path, monkeypatch):
    """Place a b0 volume that lies in the standard space; return the notes and the outputs."""
    template = load_template("T1w", 3)
    path = tmp_path / "sub-1_lesion.nii.gz"
    mask = np.zeros(template.shape, dtype=np.uint8)
    mask[20:26, 30:36, 30:36] = 1
    nib.save(nib.Nifti1Image(mask, template.affine), path)
    known = Registration(Transform(), np.eye(4), 1.0)
    monkeypatch.setattr(diffusion_place, "register_to_template", lambda *_, **__: known)

    def place(image, **scan):
        lesion = LesionFile(path=path, participant="1", image=image)
        outputs = Outputs(tmp_path / "out", "1", None, datasets={"raw": tmp_path})
        _, _, facts = diffusion_place.register_alone(
            template, Scan(participant="1", lesion=lesion, **scan), outputs, ProcessingSettings()
        )
        return facts, outputs.path("mask", "anat", label="L", standard=True)

    return place


def test_a_mask_drawn_on_the_dwi_is_saved(place):
    facts, mask = place("dwi")

    assert "There is no head image" in facts.notes[0]
    assert facts.quality["lesion_volume_ml"] == pytest.approx(6**3 * 27 / 1000)
    assert nib.load(mask).get_fdata().sum() == pytest.approx(6**3 * 27 / 8, rel=0.2)


def test_a_mask_drawn_on_another_image_is_left_out_and_a_note_says_so(place, tmp_path):
    facts, mask = place("T1w", t1w=tmp_path / "sub-1_T1w.nii.gz")

    assert not mask.exists()
    assert "sub-1_T1w.nii.gz) was not processed" in facts.notes[0]
    assert "sub-1_lesion.nii.gz left out" in facts.notes[1]
