import json

import numpy as np

from motor_bids_app.features.fingerprints import SealedImages, content_hash

IMAGES = [("fa", content_hash(np.random.default_rng(seed).normal(size=20))) for seed in range(5)]


def test_sealed_images_are_recognised_and_no_others():
    sealed = SealedImages.of(IMAGES)

    assert all(sealed.hold(*image) for image in IMAGES)
    assert not sealed.hold("md", IMAGES[0][1])  # the same values as another map
    assert not sealed.hold("fa", content_hash(np.arange(20.0)))


def test_one_changed_voxel_is_another_image():
    values = np.arange(20.0)
    changed = values.copy()
    changed[3] += 1e-9

    assert content_hash(values) != content_hash(changed)
    assert content_hash(np.zeros(20)) is None


def test_the_order_of_people_leaves_no_trace_and_the_same_run_gives_the_same_bytes():
    forth, back = SealedImages.of(IMAGES).to_json(), SealedImages.of(IMAGES[::-1]).to_json()

    assert json.dumps(forth) == json.dumps(back)
    assert forth["hashes"] == sorted(forth["hashes"])


def test_bundles_of_overlapping_cohorts_share_no_hash():
    one, other = SealedImages.of(IMAGES[:4]), SealedImages.of(IMAGES[1:])

    assert one.key != other.key
    assert not one.hashes & other.hashes


def test_plain_hashes_of_images_are_not_in_the_bundle():
    text = json.dumps(SealedImages.of(IMAGES).to_json())

    assert not any(digest[:16] in text for _, digest in IMAGES)


def test_sealed_images_survive_json():
    sealed = SealedImages.of(IMAGES)

    assert SealedImages.from_json(json.loads(json.dumps(sealed.to_json()))) == sealed
