import hashlib

import numpy as np
import pytest

from deepsf.efficiency.toy import generate, true_efficiency

FLAVOURS = ("b", "c", "udsg")
COLUMNS = ("offsets", "pt_gev", "eta", "phi", "flavour", "tag_bin", "weight", "event")


def digest(sample):
    events, truth = sample
    parts = [*(getattr(events, name) for name in COLUMNS), truth.efficiency]
    return hashlib.sha256(b"".join(part.tobytes() for part in parts)).hexdigest()


@pytest.mark.parametrize(
    ("name", "sample", "means"),
    [
        ("toy", "train", (0.686, 0.099, 0.0100)),
        ("toy", "scalar", (0.620, 0.089, 0.0087)),
        ("short", "train", (0.682, 0.106, 0.0112)),
    ],
)
def test_mean_efficiencies_are_those_of_the_reference(toy, name, sample, means):
    _, truth = made = generate(toy(name), FLAVOURS, sample, 100_000)
    for flavour, mean in enumerate(means):
        assert truth.efficiency[made[0].flavour == flavour].mean() == pytest.approx(mean, rel=0.01)
    assert truth.n_clipped == (0, 0)


def test_physical_amplitudes_have_the_means_of_the_reference(toy):
    rows = {"b": (0.40, 0.25, 0.18), "c": (0.30, 0.25, 0.18), "udsg": (-1.50, -0.60, 0.15)}
    amplitude = {own: dict(zip(FLAVOURS, row, strict=True)) for own, row in rows.items()}
    short = toy("short")
    settings = toy("short", neighbours={"width": short.neighbours.width, "amplitude": amplitude})
    events, truth = generate(settings, FLAVOURS, "test", 100_000)
    means = [truth.efficiency[events.flavour == flavour].mean() for flavour in range(3)]
    assert means == pytest.approx([0.686, 0.107, 0.0126], rel=0.015)


@pytest.mark.parametrize("sample", ["train", "scalar"])
def test_the_same_settings_give_the_same_bytes(toy, sample):
    settings = toy("small", latent_correlation=0.1, hidden_variable=0.1, negative_weight_fraction=0.1)
    assert digest(generate(settings, FLAVOURS, sample, 2_000)) == digest(generate(settings, FLAVOURS, sample, 2_000))
    assert digest(generate(settings, FLAVOURS, sample, 2_000)) != digest(
        generate(settings.model_copy(update={"seed": 2}), FLAVOURS, sample, 2_000)
    )


def test_the_order_of_flavours_changes_no_number(toy):
    (events, truth), (turned, same_truth) = (generate(toy("toy"), f, "train", 500) for f in (FLAVOURS, FLAVOURS[::-1]))
    assert np.array_equal(turned.flavour, 2 - events.flavour)
    assert np.array_equal(turned.tag_bin, events.tag_bin)
    assert np.array_equal(same_truth.efficiency, truth.efficiency)


def test_samples_are_independent_and_share_no_event_number(toy):
    made = {sample: generate(toy(), FLAVOURS, sample, 3_000)[0] for sample in ("train", "test", "scalar")}
    leading = {sample: events.phi[events.rank == 0] for sample, events in made.items()}
    for one, other in (("train", "test"), ("train", "scalar"), ("test", "scalar")):
        assert abs(np.corrcoef(leading[one], leading[other])[0, 1]) < 4 / np.sqrt(3_000)
    numbers = np.concatenate([events.event for events in made.values()])
    assert numbers.dtype == np.uint64
    assert len(np.unique(numbers)) == 9_000


def test_blocks_are_independent_of_each_other_and_of_the_length(toy, monkeypatch):
    monkeypatch.setattr("deepsf.efficiency.toy.samples._BLOCK_EVENTS", 1000)
    events, truth = generate(toy(), FLAVOURS, "test", 2_500)
    assert len(events) == 2_500
    assert len(truth.efficiency) == len(events.pt_gev)
    leading = events.phi[events.rank == 0]
    assert len(np.unique(leading)) > 2_490
    shorter, _ = generate(toy(), FLAVOURS, "test", 2_000)
    assert np.array_equal(shorter.pt_gev, events.pt_gev[: len(shorter.pt_gev)])
    assert np.array_equal(events.event - events.event[0], np.arange(2_500))


def test_truth_is_exact_for_the_events_as_stored(toy, tmp_path):
    events, truth = generate(toy("small", single_jet_fraction=0.1), FLAVOURS, "test", 5_000)
    events.write(tmp_path / "events.parquet")
    read = type(events).read(tmp_path / "events.parquet")
    assert np.array_equal(true_efficiency(toy("small"), read), truth.efficiency)


def test_numbers_of_events_are_those_of_the_settings(toy):
    settings = toy("small", n_train=30, n_test=20, scalar={"n_events": 10})
    assert [len(generate(settings, FLAVOURS, sample)[0]) for sample in ("train", "test", "scalar")] == [30, 20, 10]


def test_kinematics_do_not_depend_on_tags_or_weights(toy):
    plain, _ = generate(toy(), FLAVOURS, "test", 2_000)
    other, _ = generate(
        toy(latent_correlation=0.5, hidden_variable=0.3, negative_weight_fraction=0.3), FLAVOURS, "test", 2_000
    )
    for name in ("offsets", "pt_gev", "eta", "phi", "flavour"):
        assert np.array_equal(getattr(plain, name), getattr(other, name))
    assert not np.array_equal(plain.tag_bin, other.tag_bin)


def test_weights_are_signed_by_their_fraction_and_unrelated_to_tags(toy):
    events, _ = generate(toy(negative_weight_fraction=0.1), FLAVOURS, "test", 40_000)
    assert np.unique(events.weight).tolist() == [-1.0, 1.0]
    assert np.mean(events.weight < 0) == pytest.approx(0.1, abs=4 * np.sqrt(0.09 / 40_000))
    n_tags = np.add.reduceat(events.tag_bin > 0, events.offsets[:-1], dtype=float)
    assert abs(np.corrcoef(events.weight, n_tags)[0, 1]) < 4 / np.sqrt(40_000)


def test_too_many_clipped_efficiencies_are_an_error_that_counts_them(toy):
    settings = toy(efficiency_min=0.008)
    message = (
        r"efficiency\.toy: of \d+ jets of the test sample, \d+ have an efficiency below efficiency_min = 0\.008 and 0 "
        r"one above efficiency_max = 0\.99, more than max_clipped_fraction = 0\.001 allows"
    )
    with pytest.raises(ValueError, match=message):
        generate(settings, FLAVOURS, "test", 1_000)
    _, truth = generate(settings.model_copy(update={"max_clipped_fraction": 0.5}), FLAVOURS, "test", 1_000)
    assert truth.n_clipped[0] == np.sum(truth.efficiency == 0.008) > 0


def test_unknown_samples_and_empty_ones_are_refused(toy):
    with pytest.raises(ValueError, match=r"has the samples \['train', 'test', 'scalar'\], not 'validation'"):
        generate(toy(), FLAVOURS, "validation", 10)
    with pytest.raises(ValueError, match="at least one event, n_events = 0 was asked for"):
        generate(toy(), FLAVOURS, "test", 0)


def test_an_empty_range_of_efficiencies_is_refused(toy):
    with pytest.raises(ValueError, match=r"efficiency_min = 0\.5 must be below efficiency_max = 0\.4"):
        toy(efficiency_min=0.5, efficiency_max=0.4)
