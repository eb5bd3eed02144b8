import math

import numpy as np
import pytest

from deepsf.efficiency.toy import Truth, generate, true_efficiency
from deepsf.efficiency.toy.truth import base_efficiency, clipped_efficiency

B, C, UDSG = 0, 1, 2
KERNEL = {
    "width": {"b": 0.5, "c": 1.0, "udsg": 2.0},
    "amplitude": {
        "b": {"b": 0.40, "c": 0.25, "udsg": 0.18},
        "c": {"b": 0.30, "c": 0.20, "udsg": 0.10},
        "udsg": {"b": -1.50, "c": -0.60, "udsg": 0.15},
    },
}


def test_jets_alone_have_the_efficiencies_worked_out_by_hand(toy, jets):
    events = jets([(100, 0.0, 0, B)], [(50, -1.25, 0, C)], [(200, 2.5, 0, UDSG)])
    # b: .955 tanh(2.15) e^-.045; c: .153 tanh(.95) e^-.025 (1 - .15/4); udsg: .0078 x 1.56 x 1.5
    assert true_efficiency(toy(), events)[:, 0] == pytest.approx([0.8885337, 0.1062525, 0.018252], rel=1e-6)


def test_three_jets_change_each_other_by_own_and_neighbours_flavour(toy, jets):
    # distances: b-c 0.5, b-udsg 1.2, c-udsg 1.3; the widths are those of the neighbour's flavour
    three = [(100, 0.0, 0.0, B), (80, 0.3, 0.4, C), (60, 0.0, -1.2, UDSG)]
    c_udsg = 0.3**2 + 1.6**2
    expected = [
        (1 - 0.25 * math.exp(-0.25)) * (1 - 0.18 * math.exp(-1.44 / 4)),
        (1 - 0.30 * math.exp(-0.25 / 0.25)) * (1 - 0.10 * math.exp(-c_udsg / 4)),
        (1 + 1.50 * math.exp(-1.44 / 0.25)) * (1 + 0.60 * math.exp(-c_udsg)),
    ]
    settings = toy(neighbours=KERNEL)
    alone = true_efficiency(settings, jets(*([jet] for jet in three)))
    assert (true_efficiency(settings, jets(three)) / alone)[:, 0] == pytest.approx(expected, rel=1e-6)


def test_a_negative_amplitude_raises_the_efficiency_of_a_light_jet(toy, jets):
    settings = toy(neighbours=KERNEL)
    near, alone = jets([(50, 0, 0.0, B), (40, 0, 0.1, UDSG)]), jets([(40, 0, 0.1, UDSG)])
    ratio = true_efficiency(settings, near)[1, 0] / true_efficiency(settings, alone)[0, 0]
    assert ratio == pytest.approx(1 + 1.5 * math.exp(-0.01 / 0.25), rel=1e-5)


def test_a_pair_across_the_boundary_of_phi_is_close(toy, jets):
    across = jets([(100, 0, 3.1, B), (50, 0, -3.1, B)])
    beside = jets([(100, 0, 0.0, B), (50, 0, 2 * math.pi - 6.2, B)])
    assert true_efficiency(toy(), across) == pytest.approx(true_efficiency(toy(), beside), rel=1e-6)
    assert true_efficiency(toy(), across)[0, 0] < 0.6 * 0.8885337


def test_other_events_and_the_order_of_flavours_change_nothing(toy, jets):
    first, second = [(100, 0.0, 0.0, B), (80, 0.3, 0.4, C)], [(90, 0.1, 0.1, UDSG), (30, 0.2, 0.1, B)]
    together = true_efficiency(toy(), jets(first, second))
    assert np.array_equal(together[:2], true_efficiency(toy(), jets(first)))
    swapped = [[(*jet[:3], 2 - jet[3]) for jet in event] for event in (first, second)]
    assert np.array_equal(together, true_efficiency(toy(), jets(*swapped, flavours=("udsg", "c", "b"))))


def test_many_jets_agree_with_a_product_over_all_pairs(toy):
    settings = toy(neighbours=KERNEL, n_extra_max=20, n_extra_mean=50.0, max_clipped_fraction=1.0)
    events, truth = generate(settings, ("b", "c", "udsg"), "test", 300)
    assert events.n_jets.max() == 22
    width, amplitude = (KERNEL[key] for key in ("width", "amplitude"))
    names = events.flavours
    by_hand = np.ones(len(events.eta))
    eta, phi = events.eta.astype(float), events.phi.astype(float)
    for begin, end in zip(events.offsets[:20], events.offsets[1:21], strict=True):
        for i in range(begin, end):
            for j in set(range(begin, end)) - {i}:
                own, other = names[events.flavour[i]], names[events.flavour[j]]
                squared = (eta[i] - eta[j]) ** 2 + math.remainder(phi[i] - phi[j], 2 * math.pi) ** 2
                by_hand[i] *= 1 - amplitude[own][other] * math.exp(-squared / width[other] ** 2)
    stop = events.offsets[20]
    expected = np.clip(base_efficiency(settings, events)[:stop] * by_hand[:stop], 1e-4, 0.99)
    assert truth.efficiency[:stop, 0] == pytest.approx(expected, rel=1e-12)


def test_working_points_are_parts_of_the_efficiency(toy):
    loose = generate(toy("toy"), ("b", "c", "udsg"), "test", 1000)[1].efficiency
    events, truth = generate(toy("small"), ("b", "c", "udsg"), "test", 1000)
    factors = np.array([[1, 0.85, 0.60], [1, 0.40, 0.12], [1, 0.15, 0.10]])
    assert truth.working_points == events.working_points == ("L", "M", "T")
    assert truth.efficiency == pytest.approx(loose * factors[events.flavour], rel=1e-12)


def test_clipped_efficiencies_are_counted_on_either_side(toy, jets):
    settings = toy(efficiency_min=0.05, efficiency_max=0.8)
    clipped = clipped_efficiency(settings, jets([(100, 0, 0, B)], [(90, 0, 0, C)], [(50, 0, 0, UDSG)], [(30, 0, 0, 2)]))
    assert clipped.n_clipped == (2, 1)
    assert clipped.efficiency[[0, 2, 3], 0].tolist() == [0.8, 0.05, 0.05]


def test_a_flavour_that_the_toy_does_not_know_is_refused(toy, jets):
    with pytest.raises(ValueError, match=r"no efficiency of the flavours \['tau'\], only of \['b', 'c', 'udsg'\]"):
        true_efficiency(toy(), jets([(50, 0, 0, 0)], flavours=("b", "tau")))


def test_truth_is_read_as_written(toy, tmp_path):
    _, truth = generate(toy("small"), ("b", "c", "udsg"), "test", 500)
    truth.write(tmp_path / "truth.parquet")
    read = Truth.read(tmp_path / "truth.parquet")
    assert np.array_equal(read.efficiency, truth.efficiency)
    assert (read.working_points, read.n_clipped) == (truth.working_points, truth.n_clipped)


def test_a_file_of_events_is_not_taken_for_truth_and_holds_none(toy, tmp_path):
    events, _ = generate(toy("small"), ("b", "c", "udsg"), "test", 500)
    events.write(tmp_path / "events.parquet")
    with pytest.raises(ValueError, match=r"events\.parquet: not a file of true efficiencies; its columns are \[.*'pt_"):
        Truth.read(tmp_path / "events.parquet")


def test_working_points_are_nested_whatever_the_order_of_keys_in_the_file(toy):
    settings = toy("small")
    turned = settings.model_copy(update={"working_points": dict(reversed(settings.working_points.items()))})
    assert list(turned.nested_points) == ["L", "M", "T"]
    one, other = (generate(given, ("b", "c", "udsg"), "test", 500) for given in (settings, turned))
    assert (one[0].tag_bin == other[0].tag_bin).all()
    assert (one[1].efficiency == other[1].efficiency).all()
