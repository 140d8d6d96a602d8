"""Attention to channels and places."""

import torch

from motor_bids_app.models.networks.attention import (
    AttentionBlock,
    ChannelAttention,
    SpatialAttention,
)


def silent(module: torch.nn.Module) -> torch.nn.Module:
    """With all weights 0, every sigmoid is one half."""
    for parameter in module.parameters():
        torch.nn.init.zeros_(parameter)
    return module


def test_without_weights_either_stage_halves():
    x = torch.randn(2, 16, 4, 5, 6)
    torch.testing.assert_close(silent(AttentionBlock(16))(x), x / 4)


def test_channel_stage_multiplies_each_channel_by_one_number():
    torch.manual_seed(0)
    x = torch.rand(2, 16, 4, 5, 6) + 1
    ratio = ChannelAttention(16)(x) / x
    torch.testing.assert_close(ratio, ratio[:, :, :1, :1, :1].expand_as(ratio))
    assert ratio[0, :, 0, 0, 0].std() > 0


def test_channel_stage_does_not_depend_on_where_things_are():
    torch.manual_seed(0)
    attention, x = ChannelAttention(16), torch.randn(1, 16, 4, 5, 6)
    torch.testing.assert_close(attention(x.flip(2)), attention(x).flip(2))


def test_spatial_stage_multiplies_all_channels_of_a_voxel_alike():
    torch.manual_seed(0)
    x = torch.rand(2, 16, 4, 5, 6) + 1
    ratio = SpatialAttention()(x) / x
    torch.testing.assert_close(ratio, ratio[:, :1].expand_as(ratio))
    assert ratio[0, 0].std() > 0


def test_spatial_stage_looks_three_voxels_far():
    torch.manual_seed(0)
    attention, x = SpatialAttention(), torch.rand(1, 2, 15, 15, 15)
    other = x.clone()
    other[..., 7, 7, 7] += 5
    changed = (attention(x) != attention(other)).any(dim=1)[0].nonzero()
    assert changed.min() == 4
    assert changed.max() == 10
