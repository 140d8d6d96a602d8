from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest

from motor_bids_app.mri.tracts import tract_loads
from motor_bids_app.simulation.damage import assess
from motor_bids_app.simulation.head import is_tissue, load_brain
from motor_bids_app.simulation.sampling import grid_points
from motor_bids_app.spaces.atlases import juelich_tract
from motor_bids_app.spaces.grids import standard_grid


def test_tract_load_is_what_the_app_measures_on_a_perfect_mask(patient):
    grid = standard_grid(2)
    brain = load_brain(2.0)
    mask = patient.lesion.covers(grid_points(grid)).reshape(grid.shape)
    mask &= is_tissue(brain.grey, brain.white)

    loads = tract_loads(nib.Nifti1Image(mask.astype(np.uint8), grid.affine), juelich_tract(2))

    assert patient.damage.tract_load == pytest.approx(loads["tract_load"], abs=1e-4)
    assert loads[f"tract_load_{patient.lesion_side}"] == loads["tract_load"]


def test_a_lesion_of_the_whole_hemisphere_destroys_the_whole_tract(patient):
    everything = replace(
        patient.lesion,
        radii=np.full((1, 3), 300.0),
        centres=np.zeros((1, 3)),
        turns=np.eye(3)[None],
    )

    damage = assess(everything, np.random.default_rng(0))

    assert damage.tract_interruption == pytest.approx(1, abs=0.02)
    assert damage.tract_load > 0.95  # the atlas goes over the midline a little
    assert 400 < damage.lesion_volume < 1000


def test_degeneration_follows_the_interruption(patients):
    pairs = np.array([(p.damage.tract_interruption, p.damage.degeneration) for p in patients])

    assert np.corrcoef(pairs.T)[0, 1] > 0.8
