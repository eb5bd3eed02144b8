"""The dense network against plain torch modules: values, gradients, determinism, and what it refuses."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from deepsf.networks import dense
from deepsf.networks.cpu import Precision
from deepsf.networks.dense import DenseNetwork
from tests.oracles.plain_network import sequential


def network(
    precision: Precision = "fp32", *, seed: int = 1, layers: int = 4, units: int = 32, **options
) -> DenseNetwork:
    generator = torch.Generator().manual_seed(seed)
    return DenseNetwork(3, layers=layers, units=units, generator=generator, precision=precision, **options)


def inputs(n: int, seed: int = 2) -> Tensor:
    return torch.randn(n, 3, generator=torch.Generator().manual_seed(seed))


def gradients(module: nn.Module) -> list[Tensor]:
    return [parameter.grad.clone() for parameter in module.parameters()]


def plain_gradients(plain: nn.Sequential) -> list[Tensor]:
    """Return the gradients of plain modules in the order and layout of the dense network's parameters."""
    linear = [module for module in plain if isinstance(module, nn.Linear)]
    weights, biases = [m.weight.grad.t() for m in linear], [m.bias.grad for m in linear]
    hidden = [torch.stack(weights[1:-1]), torch.stack(biases[1:-1])]
    return [weights[0], biases[0], *hidden, weights[-1], biases[-1]]


@torch.no_grad()
def spread_of_sum(net: DenseNetwork, x: Tensor) -> float:
    """Return the spread over the inputs of the sum of the last hidden layer."""
    last = net.last_weight.clone()
    net.last_weight.fill_(1.0)
    spread = float(net.predict(x).std())
    net.last_weight.copy_(last)
    return spread


def correlation(a: Tensor, b: Tensor) -> float:
    return float((a * b).sum() / (a.norm() * b.norm()))


# One row; one short of a block of 1024 rows, a whole one, and one row more; two blocks and a rest.
@pytest.mark.parametrize("n", [1, 1023, 1024, 1025, 2500])
@pytest.mark.parametrize("n_outputs", [1, 3])
def test_fp32_equals_plain_modules(n, n_outputs):
    net, x = network(n_outputs=n_outputs), inputs(n)
    plain = sequential(net)
    target = torch.linspace(-1, 1, n * n_outputs).reshape((n, n_outputs) if n_outputs > 1 else (n,))
    output, expected = net(x), plain(x).reshape(target.shape)
    torch.testing.assert_close(output, expected, rtol=1e-5, atol=1e-6)
    ((output - target) ** 2).mean().backward()
    ((expected - target) ** 2).mean().backward()
    for ours, theirs in zip(gradients(net), plain_gradients(plain), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("n", [4095, 4096, 4097])
def test_bf16_equals_plain_modules_within_its_rounding(n):
    net, x = network("bf16", layers=10), inputs(n)
    plain = sequential(net)
    output, expected = net(x), plain(x)[:, 0]
    # Rounding to 8 bits is off by 0.1-0.2 %; over ten layers that adds up to about 1 % of the signal.
    assert float((output - expected).detach().norm() / expected.detach().norm()) < 0.02
    target = x[:, 0] > 0
    for out in (output, expected):
        nn.functional.binary_cross_entropy_with_logits(out, target.float()).backward()
    for ours, theirs in zip(gradients(net), plain_gradients(plain), strict=True):
        assert correlation(ours, theirs) > 0.999
        assert float(ours.norm() / theirs.norm()) == pytest.approx(1, abs=0.02)


def test_bf16_of_one_row_equals_that_of_many():
    net, x = network("bf16", layers=10), inputs(4097)
    together = net.predict(x)
    for row in (0, 4096):
        alone = net.predict(x[row : row + 1])
        torch.testing.assert_close(alone, together[row : row + 1], rtol=0, atol=0.02 * float(together.std()))


def test_bf16_is_used_only_between_hidden_layers():
    net, x = network("bf16", layers=1), inputs(100)
    torch.testing.assert_close(net(x), sequential(net)(x)[:, 0], rtol=0.01, atol=0.02)
    assert not torch.equal(net(x), sequential(net)(x)[:, 0])
    assert all(parameter.dtype == torch.float32 for parameter in net.parameters())


def test_fused_product_equals_the_separate_operations(monkeypatch):
    net, x = network("bf16"), inputs(300)
    default = net.predict(x)
    monkeypatch.setattr(dense, "_has_fused_linear", lambda: False)
    separate = net.predict(x)
    assert float((default - separate).norm() / separate.norm()) < 0.01


def test_unknown_fused_product_falls_back(monkeypatch):
    def gone(*_: object) -> Tensor:
        raise AttributeError("_linear_pointwise")

    monkeypatch.setattr(dense, "_fused_linear_leaky", gone)
    assert not dense._has_fused_linear.__wrapped__()
    monkeypatch.setattr(dense, "_fused_linear_leaky", lambda h, weight, bias: h @ weight + bias)
    assert not dense._has_fused_linear.__wrapped__()


def train(seed: int, precision: Precision) -> list[bytes]:
    net, x = network(precision, seed=seed), inputs(5000)
    optimiser = torch.optim.Adam(net.parameters(), 1e-3, weight_decay=3e-5, fused=True)
    for _ in range(5):
        optimiser.zero_grad()
        nn.functional.mse_loss(net(x), x.sin().sum(1)).backward()
        optimiser.step()
    return [parameter.detach().numpy().tobytes() for parameter in net.parameters()]


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_training_is_fixed_by_its_seed_to_the_byte(precision):
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        torch.manual_seed(11)
        first = train(5, precision)
        torch.manual_seed(12)  # the global generator must play no part
        assert train(5, precision) == first
        assert train(6, precision) != first
    finally:
        torch.set_num_threads(threads)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_networks_used_alternately_do_not_disturb_each_other(precision):
    def alone(seed: int) -> list[Tensor]:
        net = network(precision, seed=seed)
        net(inputs(5000)).square().mean().backward()
        return gradients(net)

    one, two = network(precision, seed=1), network(precision, seed=2)
    out_one, out_two = one(inputs(5000)), two(inputs(5000))
    one.predict(inputs(6000, seed=3))
    two.predict(inputs(100, seed=4))
    out_one.square().mean().backward()
    one(inputs(200, seed=5))
    out_two.square().mean().backward()
    for ours, expected in zip([*gradients(one), *gradients(two)], [*alone(1), *alone(2)], strict=True):
        assert torch.equal(ours, expected)


def test_two_forward_passes_before_backward_add_their_gradients():
    net, a, b = network(), inputs(50, seed=3), inputs(70, seed=4)
    (net(a).sum() + net(b).sum()).backward()
    together = gradients(net)
    net.zero_grad()
    net(a).sum().backward()
    net(b).sum().backward()
    for one, other in zip(together, gradients(net), strict=True):
        torch.testing.assert_close(one, other)


def test_a_step_between_forward_and_backward_is_an_error():
    net = network()
    output = net(inputs(10)).sum()
    with torch.no_grad():
        net.last_weight.mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        output.backward()


def test_gradient_with_respect_to_the_inputs():
    net, x = network(), inputs(1500).requires_grad_()
    plain_x = x.detach().clone().requires_grad_()
    net(x).sin().sum().backward()
    sequential(net)(plain_x).sin().sum().backward()
    torch.testing.assert_close(x.grad, plain_x.grad, rtol=1e-4, atol=1e-6)


def test_second_derivative_raises():
    net, x = network(), inputs(5).requires_grad_()
    (first,) = torch.autograd.grad(net(x).square().sum(), x, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        first.sum().backward()


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_zero_output_starts_at_exactly_zero_and_learns(precision):
    net, x = network(precision, zero_output=True), inputs(100)
    assert torch.equal(net(x), torch.zeros(100))
    net(x).sum().backward()
    assert float(net.last_weight.grad.abs().sum()) > 0


def test_initial_weights_have_the_variance_of_he_et_al():
    net = network(layers=3, units=400)
    # Var w = 2 / ((1 + 0.01^2) fan_in); 320000 numbers give its root to 0.13 %.
    assert float(net.hidden_weight.detach().std()) == pytest.approx(math.sqrt(2 / 1.0001 / 400), rel=0.01)
    assert float(net.first_weight.detach().std()) == pytest.approx(math.sqrt(2 / 1.0001 / 3), rel=0.1)
    for bias in (net.first_bias, net.hidden_bias, net.last_bias):
        assert torch.equal(bias, torch.zeros_like(bias))
    # The network of CMS-DP-2019-003: 4 inputs, 10 x 128, 1 output: 4*128 + 9*128*128 + 128 weights, 10*128 + 1 biases.
    published = DenseNetwork(4, layers=10, units=128, generator=torch.Generator())
    assert sum(parameter.numel() for parameter in published.parameters()) == 149_377


def test_kinks_of_the_first_layer_start_at_the_given_points():
    net, points = network(), inputs(5)
    net.start_at(points, torch.Generator().manual_seed(3))
    at_points = (points @ net.first_weight + net.first_bias).detach().abs()
    assert float(at_points.amin(0).max()) < 1e-6
    # 32 units are drawn from all five points, each unit from one
    assert set(at_points.argmin(0).tolist()) == set(range(5))
    assert torch.equal(net.hidden_weight.detach(), torch.eye(32).expand(3, 32, 32))


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_network_of_identities_is_its_first_layer(precision):
    net, x = network(precision, layers=10), inputs(200)
    net.start_at(inputs(50, seed=4), torch.Generator().manual_seed(3))
    kinked = (x @ net.first_weight + net.first_bias).detach()
    # what is negative shrinks by 0.01 in each of the ten layers, to nothing
    hinges = kinked.clamp(min=0) @ net.last_weight + net.last_bias
    torch.testing.assert_close(net(x), hinges[:, 0], rtol=0.02, atol=0.02 * float(hinges.detach().std()))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_decay_alone_shuts_random_layers_and_leaves_identities_open(seed):
    # while the output layer is zero, coupled weight decay is the only gradient, and Adam makes full steps of it
    left = {}
    for start in ("random", "identities"):
        net, x = network(seed=seed, layers=10, units=16, zero_output=True), inputs(1000)
        if start == "identities":
            net.start_at(x, torch.Generator().manual_seed(seed), 2)
        optimiser = torch.optim.Adam(net.parameters(), lr=4e-3, weight_decay=5e-5)
        before = spread_of_sum(net, x)
        for _ in range(80):
            optimiser.zero_grad()
            (0.0 * net(x)).sum().backward()
            optimiser.step()
        left[start] = spread_of_sum(net, x) / before
    assert left["random"] < 0.006
    assert left["identities"] > 0.01


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_third_of_the_units_start_as_bumps_side_by_side_along_a_column(precision):
    net = network(precision, layers=10, units=33, zero_output=True)
    points = torch.linspace(-1, 1, 1001)[:, None].expand(-1, 3) * torch.tensor([1.0, 5.0, 1.0])
    net.start_at(points, torch.Generator().manual_seed(3), along=1)
    x = inputs(500)
    x[:, 1] *= 3
    values = []
    for number in range(11):
        with torch.no_grad():
            net.last_weight.zero_()[11 + number] = 1.0
        values.append(net.predict(x))
    # 1 % of the points are beyond the outer centres
    centres = torch.linspace(-4.9, 4.9, 11)
    expected = (1 - (x[:, 1] - centres[:, None]).abs() / 0.98).clamp(min=0)
    # of the unit below its kink 1 % comes through: a hundredth of the distance, or nothing
    torch.testing.assert_close(torch.stack(values), expected, rtol=0, atol=0.02)


@pytest.mark.parametrize(("units", "spread"), [(5, 1.0), (32, 0.0)])
def test_too_few_units_or_one_value_leave_hinges_alone(units, spread):
    with_bumps, without = network(units=units), network(units=units)
    for net, along in ((with_bumps, 0), (without, None)):
        net.start_at(spread * inputs(50), torch.Generator().manual_seed(3), along)
    for ours, theirs in zip(with_bumps.parameters(), without.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_the_choice_of_points_is_fixed_by_the_generator():
    def bias(seed: int) -> Tensor:
        net = network()
        net.start_at(inputs(50), torch.Generator().manual_seed(seed))
        return net.first_bias

    assert torch.equal(bias(3), bias(3))
    assert not torch.equal(bias(3), bias(4))


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_inputs_of_any_memory_layout_give_the_same(precision):
    net, x = network(precision), inputs(5000)
    columns = x.t().contiguous().t()
    strided = torch.stack([x, -x], dim=1).reshape(10000, 3)[::2]
    assert not columns.is_contiguous()
    assert not strided.is_contiguous()
    for other in (columns, strided):
        torch.testing.assert_close(net(other), net(x), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_predict_equals_forward_and_has_no_graph(precision):
    net, x = network(precision), inputs(5000)
    assert torch.equal(net.predict(x), net(x).detach())
    assert not net.predict(x).requires_grad
    assert net.predict(x[:0]).shape == (0,)


def test_wrong_inputs_and_settings_are_named():
    with pytest.raises(ValueError, match=r"float32 of shape \(n, 3\), got torch\.float32 of \(5, 4\)"):
        network()(torch.zeros(5, 4))
    with pytest.raises(ValueError, match=r"got torch\.float64"):
        network()(inputs(5).double())
    with pytest.raises(ValueError, match="layers must be at least 1, got 0"):
        network(layers=0)
    with pytest.raises(ValueError, match=r"precision must be one of .*'auto'"):
        network("auto")
