"""All figures of efficiencies under the names that the configuration foretells."""

from __future__ import annotations

import subprocess
import sys
import warnings

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot
from matplotlib.figure import Figure

from deepsf.efficiency.audit.results import EfficiencyClosure
from deepsf.plots.efficiency import correlation, gain, jets, regions, reliability, spread, training
from deepsf.plots.efficiency.figures import figures
from deepsf.plots.efficiency.names import stems
from deepsf.plots.style import save
from tests.analysis.efficiency.audit.audited_toy import CONFIG, FLAVOURS, audited, first_events, samples, selected
from tests.plots.efficiency.results import STYLE, closure, without_truth

HISTORIES = {"gnn": [{"pass": [1, 2], "train_loss": [0.3, 0.2]}]}


@pytest.fixture
def undrawn(monkeypatch):
    """Names are tested without drawing: what is drawn has tests of its own."""
    for module in (correlation, gain, jets, regions, reliability, spread, training):
        for function in ("figure", "pairs_figure", "non_closure_figure"):
            if hasattr(module, function):
                monkeypatch.setattr(module, function, lambda *_, **__: Figure())


@pytest.mark.usefixtures("undrawn")
def test_names_are_those_that_the_configuration_foretells():
    made = [name for name, _ in figures(closure(), HISTORIES, STYLE)]
    assert made == stems(CONFIG.efficiency, FLAVOURS)
    assert len(set(made)) == len(made)
    for name in ("jet_efficiency_delta_r_test", "2tag_delta_r_scalar", "1tag_delta_r_pairs_test", "2tag_delta_r_train"):
        assert name in made
    assert "2tag_mass_scalar" not in made


@pytest.mark.usefixtures("undrawn")
def test_real_structure_has_no_transfer_and_no_truth():
    settings = CONFIG.efficiency.model_copy(update={"toy": None})
    made = [name for name, _ in figures(without_truth(), HISTORIES, STYLE)]
    assert made == stems(settings, FLAVOURS)
    assert not any("scalar" in name for name in made)
    assert "spread" not in made


@pytest.mark.parametrize(
    "draw",
    [
        lambda: regions.figure(closure(), "test", "2tag", "delta_r", STYLE),
        lambda: jets.figure(closure(), "test", "pt", STYLE),
        lambda: gain.figure(closure(), STYLE),
    ],
    ids=["regions", "jets", "gain"],
)
def test_equal_results_give_equal_bytes_and_leave_no_state(tmp_path, draw):
    before = dict(mpl.rcParams)
    written = [save(draw(), tmp_path / name, 40) for name in ("one", "other")]
    assert all(a.read_bytes() == b.read_bytes() for a, b in zip(*written, strict=True))
    assert dict(mpl.rcParams) == before
    assert pyplot.get_fignums() == []


def test_a_flavour_without_jets_leaves_its_place_empty():
    sample = first_events(samples()["test"], 3000)
    charm = np.zeros(len(sample.events), bool)
    np.logical_or.at(charm, sample.events.event_of_jet, sample.events.flavour == FLAVOURS.index("c"))
    found = EfficiencyClosure.from_json(audited({"test": selected(sample, ~charm)}).closure)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for made in (
            jets.figure(found, "test", "pt", STYLE),
            regions.pairs_figure(found, "test", "1tag", "delta_r", STYLE),
            reliability.figure(found, STYLE),
            spread.non_closure_figure(found, "c", STYLE),
            gain.figure(found, STYLE),
        ):
            made.draw_without_rendering()


def test_names_are_known_without_heavy_imports():
    code = (
        "import sys; import deepsf.plots.efficiency.names; "
        "print([m for m in ('matplotlib', 'torch', 'numba', 'scipy', 'pyarrow') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
