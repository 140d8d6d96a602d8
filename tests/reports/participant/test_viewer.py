import base64
import zlib
from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest

from motor_bids_app.errors import GridMismatchError
from motor_bids_app.reports.pages import MethodsText
from motor_bids_app.reports.participant.page import ParticipantReport, render_participant
from motor_bids_app.reports.participant.viewer import ViewedMap, pack_viewer

from ..conftest import brighter, make_head


def ramp(head):
    """0 at the left edge (x = -46 mm), 1 at the right one."""
    x = np.linspace(0, 1, head.shape[0], dtype=np.float32)[:, None, None]
    return nib.Nifti1Image(np.broadcast_to(x, head.shape).copy(), head.affine)


def volumes():
    """Brain mask, and what to look at: a head, a lesion at the left, front and top, and two maps.

    The second map is 1 at the right, front and top.
    """
    head = make_head()
    x, y, z = np.indices(head.shape) * 4 - 46
    lesion = (x + 20) ** 2 + (y - 16) ** 2 + (z - 12) ** 2 < 10**2
    corner = (x > 0) & (y > 0) & (z > 0)
    lesion, corner = (
        nib.Nifti1Image(one.astype(np.float32), head.affine) for one in (lesion, corner)
    )
    return brighter(head, 0), (
        ViewedMap(label="T1w", image=head, role="image"),
        ViewedMap(label="Lesion", image=lesion, role="lesion", top=1.0),
        ViewedMap(label="Ramp", image=ramp(head), role="overlay", top=1.0, unit="of it"),
        ViewedMap(label="Corner", image=corner, role="overlay", top=1.0),
    )


@pytest.fixture
def maps():
    return volumes()[1]


def unpacked(packed, shape):
    codes = np.frombuffer(zlib.decompress(base64.b64decode(packed.data)), np.uint8)
    return codes.reshape(shape, order="F") * (packed.top / 255)


def test_values_come_back_within_half_a_step_of_their_scale(maps, brain):
    viewer = pack_viewer(maps, brain)
    first = np.rint((np.array(viewer.origin) + 46) / 4).astype(int)
    box = tuple(slice(k, k + n) for k, n in zip(first, viewer.shape, strict=True))

    back = unpacked(viewer.maps[2], viewer.shape)
    assert np.abs(back - maps[2].image.get_fdata()[box]).max() <= 0.5 / 255 + 1e-6


def test_storage_order_does_not_change_what_is_shown(maps, brain):
    turned = [
        replace(one, image=one.image.as_reoriented(np.array([[1, -1], [0, 1], [2, -1]])))
        for one in maps
    ]
    turned_brain = brain.as_reoriented(np.array([[1, -1], [0, 1], [2, -1]]))

    assert pack_viewer(turned, turned_brain) == pack_viewer(maps, brain)


def test_the_lesion_is_shown_first(maps, brain):
    viewer = pack_viewer(maps, brain)
    place = np.array(viewer.origin) + viewer.step * np.array(viewer.start)

    assert np.abs(place - [-20, 16, 12]).max() <= 2


@pytest.mark.parametrize("lesion", [None, 0])
def test_without_a_lesion_the_middle_is_shown_first(maps, brain, head, lesion):
    empty = nib.Nifti1Image(np.zeros(head.shape, np.uint8), head.affine)
    some = maps[:1] if lesion is None else (maps[0], replace(maps[1], image=empty))
    viewer = pack_viewer(some, brain)

    assert viewer.start == tuple(count // 2 for count in viewer.shape)


def test_values_above_the_scale_are_said_to_be_so(maps, brain):
    low = replace(maps[2], top=0.5)

    assert [pack_viewer([one], brain).maps[0].over for one in (maps[2], low)] == [False, True]


def test_what_is_no_number_is_shown_as_nothing(maps, brain, head):
    broken = head.get_fdata().copy()
    broken[12, 12, 12], broken[12, 12, 13] = np.nan, np.inf
    image = nib.Nifti1Image(broken.astype(np.float32), head.affine)
    viewer = pack_viewer([replace(maps[0], image=image)], brain)
    place = tuple(np.rint((2 - np.array(viewer.origin)) / 4).astype(int))

    assert unpacked(viewer.maps[0], viewer.shape)[place] == 0


def test_a_map_on_another_grid_is_refused(maps, brain, head):
    moved = nib.Nifti1Image(head.get_fdata(), np.diag([3.0, 4, 4, 1]))

    with pytest.raises(GridMismatchError, match="Ramp has the shape"):
        pack_viewer([replace(maps[2], image=moved)], brain)


def page(maps, brain):
    return render_participant(
        ParticipantReport(
            participant="sub-01",
            done=("T1w",),
            viewer=pack_viewer(maps, brain) if maps else None,
            methods=MethodsText(paragraphs=(), references=()),
        )
    )


def test_nothing_to_explore_leaves_no_trace(brain, read_page):
    html_of_page = page((), brain)

    assert "explore" not in {one.get("id") for one in read_page(html_of_page).all("section")}
    assert "#explore" not in html_of_page


def test_texts_cannot_break_out_of_the_viewer(maps, brain, read_page):
    evil = '"></template><script>x</script>'
    document = page([replace(maps[0], label=evil), replace(maps[2], label=evil)], brain)

    assert len(read_page(document).all("script")) == 1
