import nibabel as nib
import numpy as np
import pytest

from motor_bids_app.errors import DataError
from motor_bids_app.mri.units import diffusivity_factors


def image(value):
    return nib.Nifti1Image(np.full((3, 3, 3), value, dtype=np.float32), np.eye(4))


@pytest.mark.parametrize(("value", "factor"), [(8e-4, 1), (3e-3, 1), (0.7, 1e-3), (700, 1e-6)])
def test_units_of_all_tools_become_those_of_bids(value, factor):
    assert diffusivity_factors({"md": image(value)}) == {"md": factor}


def test_each_map_may_have_a_unit_of_its_own():
    maps = {"md": image(8e-4), "rd": image(0.6), "ad": image(1200)}

    assert diffusivity_factors(maps) == {"md": 1, "rd": 1e-3, "ad": 1e-6}


def test_values_of_no_known_unit_are_refused():
    with pytest.raises(DataError, match="no diffusivity"):
        diffusivity_factors({"md": image(30.0)})


def test_anisotropy_alone_needs_no_unit():
    assert diffusivity_factors({"fa": image(0.4)}) == {}
