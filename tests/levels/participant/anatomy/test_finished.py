import nibabel as nib
import numpy as np
import pytest

from motor_bids_app.bids.finished import TISSUES, Finished
from motor_bids_app.errors import DataError
from motor_bids_app.levels.participant.anatomy.finished import take_anatomy


@pytest.mark.parametrize("scale", [1, 100, 255])
def test_probabilities_of_tissue_in_another_unit_are_refused(tmp_path, scale):
    head = nib.Nifti1Image(np.ones((9, 9, 9), dtype=np.float32), np.eye(4))
    paths = {name: tmp_path / f"sub-1_label-{name}_probseg.nii" for name in TISSUES}
    share = np.random.default_rng(0).random((9, 9, 9), dtype=np.float32)
    for path in paths.values():
        nib.save(nib.Nifti1Image(share * scale, np.eye(4)), path)
    finished = Finished(head=tmp_path / "head.nii", tissue=paths)

    if scale == 1:
        assert np.asarray(take_anatomy(finished, head).tissue["GM"].dataobj) == pytest.approx(share)
        return
    with pytest.raises(DataError, match=r"label-GM_probseg\.nii goes up to"):
        take_anatomy(finished, head)
