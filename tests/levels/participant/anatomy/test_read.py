import nibabel as nib
import numpy as np
import pytest

from motor_bids_app.bids.scan import Scan
from motor_bids_app.errors import DataError
from motor_bids_app.levels.participant.anatomy.read import read_anatomy


def test_an_image_that_shows_no_head_is_named(tmp_path):
    head, empty = tmp_path / "sub-1_T1w.nii", tmp_path / "sub-1_FLAIR.nii"
    rng = np.random.default_rng(0)
    nib.save(nib.Nifti1Image(rng.random((20, 20, 20), dtype=np.float32), np.eye(4)), head)
    nib.save(nib.Nifti1Image(np.zeros((20, 20, 20), dtype=np.float32), np.eye(4)), empty)

    with pytest.raises(DataError, match=r"sub-1_FLAIR\.nii: "):
        read_anatomy(Scan(participant="1", t1w=head, flair=empty))
