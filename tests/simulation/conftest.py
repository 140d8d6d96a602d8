"""People and scans that several tests look at; made once, and never changed."""

import numpy as np
import pytest

from motor_bids_app.simulation.anatomy import Scanner, scan_t1w
from motor_bids_app.simulation.deformation import draw_shape
from motor_bids_app.simulation.people import draw_cohort

VOXEL_SIZE = 4.0


@pytest.fixture(scope="session")
def patients():
    return draw_cohort(40, 0, seed=3)


@pytest.fixture(scope="session")
def patient(patients):
    """Someone with a large lesion that hits the tract."""
    return max(patients, key=lambda person: person.damage.tract_load)


@pytest.fixture(scope="session")
def shape():
    return draw_shape(np.random.default_rng(5))


@pytest.fixture(scope="session")
def t1w(shape, patient):
    return scan_t1w(shape, patient.lesion, Scanner(), VOXEL_SIZE, np.random.default_rng(6))
