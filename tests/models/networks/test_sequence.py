import numpy as np
import pytest
import torch

from motor_bids_app.models.networks.sequence import StepPower, WindowLSTM

RATE = 100.0


def sine(hertz, amplitude=1.0, phase=0.0):
    time = np.arange(400) / RATE
    return torch.tensor(amplitude * np.sin(2 * np.pi * hertz * time + phase)[None, None]).float()


@pytest.fixture
def steps():
    torch.manual_seed(0)
    return StepPower(1, RATE, 0.4).eval()


def test_a_window_becomes_as_many_steps_as_fit(steps):
    with torch.inference_mode():
        assert steps(sine(10)).shape[1] == 10


def test_power_does_not_depend_on_the_phase_of_a_rhythm(steps):
    with torch.inference_mode():
        one, other = steps(sine(20))[:, 1:-1], steps(sine(20, phase=1.0))[:, 1:-1]

    np.testing.assert_allclose(one, other, atol=0.05)


def test_twice_the_amplitude_is_a_fixed_step_up(steps):
    steps.norm = torch.nn.Identity()
    with torch.inference_mode():
        grown = steps(sine(20, 20.0)) - steps(sine(20, 10.0))

    np.testing.assert_allclose(grown[:, 1:-1], np.log(4), atol=0.02)


def test_the_network_has_the_layers_of_the_paper():
    network = WindowLSTM(22, 250.0, 0.1, (128, 64, 32), 2)

    assert [layer.hidden_size for layer in network.layers] == [128, 64, 32]
    assert network.output.out_features == 2
    assert network(torch.zeros(2, 22, 2500)).shape == (2, 2)


def test_what_comes_early_in_a_window_reaches_the_output():
    torch.manual_seed(0)
    network = WindowLSTM(1, RATE, 0.1, (8, 8, 4), 1).eval()
    window = torch.randn(1, 1, 1000, requires_grad=True)

    network(window).sum().backward()

    assert window.grad[..., :100].abs().max() > 0
