"""From generated NanoAOD through skims to closure, where jets have an effect on each other: what is wrong is seen.

Every way that a jet could be given wrong neighbours ends in a row of the audit that fails.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from deepsf.config import load
from deepsf.config.flavours import hadron_flavours
from deepsf.efficiency.audit.closure import region_yields
from deepsf.efficiency.audit.rows import Row, judged
from deepsf.efficiency.evaluation import ModelEfficiencies, of_map
from deepsf.efficiency.events.from_skims import jet_events
from deepsf.efficiency.maps.maps import EfficiencyMap
from deepsf.generator.composition import Composition
from deepsf.generator.discriminant import TAGGERS
from deepsf.generator.files import write_file
from deepsf.generator.neighbours import factor_of_neighbours, pass_probability
from deepsf.generator.plan import GeneratedFile
from deepsf.skim.settings import SkimSettings
from deepsf.skim.skim_file import skim_file

CONFIG = load(Path(__file__).parents[2] / "configs" / "efficiency_nanoaod_neighbours.yaml")
N_GENERATED = 60_000
MEDIUM = 1
ENSEMBLE = tuple(f"closure.delta_r.{region}.chi2" for region in ("1tag", "2tag"))
MAP = tuple(f"closure.delta_r.{region}.chi2_map" for region in ("1tag", "2tag"))


@pytest.fixture(scope="module")
def samples(tmp_path_factory):
    """Return the events of a skim of generated ttbar, divided as the campaign says."""
    folder = tmp_path_factory.mktemp("neighbours")
    nano, entries, jets = folder / "ttbar.root", folder / "entries.parquet", folder / "jets.parquet"
    ttbar = CONFIG.samples["ttbar"]
    file = GeneratedFile("ttbar", "simulation", "ttbar", 0, N_GENERATED)
    write_file(file, Composition(), CONFIG.generator, None, nano)
    # energies as generated: the law is one of stored jets
    settings = SkimSettings("ttbar", ttbar, CONFIG.tagger, CONFIG.selection, CONFIG.regions)
    skim_file(nano, settings, entries_path=entries, jets_path=jets)
    return jet_events(
        [jets],
        samples={"ttbar": ttbar},
        flavours=dict(sorted(CONFIG.flavours.items())),
        tagger=CONFIG.tagger,
        working_points=CONFIG.efficiency.working_points,
        luminosity_ifb=CONFIG.campaign.luminosity_ifb,
        split=CONFIG.efficiency.split,
        processes=CONFIG.efficiency.processes,
    )


def true_efficiency(events):
    """Return the efficiencies of the generator's law, given the jets as the events have them."""
    codes = np.array([code for code, *_ in hadron_flavours(dict(sorted(CONFIG.flavours.items()))).values()])
    flavour, everyone = codes[events.flavour], np.ones(len(events.flavour), bool)
    factor = factor_of_neighbours(
        CONFIG.generator.neighbours, events.event_of_jet, events.eta, events.phi, flavour, everyone
    )
    jets = TAGGERS[CONFIG.tagger.branch], flavour, events.pt_gev.astype(float), np.abs(events.eta.astype(float))
    cuts = [CONFIG.tagger.working_points[name] for name in events.working_points]
    return np.stack([pass_probability(*jets, cut, factor) for cut in cuts], axis=1)


def verdicts(events, trained_on, efficiency=None):
    """Return by row whether it passes the campaign's limits: of perfect efficiencies, and of the map."""
    of_law = ModelEfficiencies(true_efficiency(events) if efficiency is None else efficiency)
    of_bins = of_map(EfficiencyMap.fit(trained_on, CONFIG.efficiency.maps), events)
    edges = {"delta_r": np.array(CONFIG.efficiency.audit.delta_r)}
    rows = {}
    for region, found in region_yields(events, {"law": of_law, "map": of_bins}, None, edges, MEDIUM).items():
        for model, end in (("law", "chi2"), ("map", "chi2_map")):
            chi2, ndf = found["delta_r"].chi2(model)
            rows[f"closure.delta_r.{region}.{end}"] = Row(chi2 / ndf, "")
    return {name: row["passed"] for name, row in judged(rows, CONFIG.efficiency.audit.limits).items()}


def test_the_right_neighbours_close_and_jets_alone_do_not(samples):
    assert verdicts(samples["test"], samples["train"]) == dict.fromkeys((*ENSEMBLE, *MAP), True)


def test_wrong_distances_do_not_close(samples):
    events = samples["test"]
    # what a network would learn from phi alone, from eta alone, and from phi without its period
    for wrong in ({"eta": 0 * events.eta}, {"phi": 0 * events.phi}, {"phi": 0.5 * events.phi}):
        found = verdicts(events, samples["train"], true_efficiency(replace(events, **wrong)))
        assert not all(found[name] for name in ENSEMBLE), wrong.keys()


def with_directions_of(events, other):
    """Return the events with the directions of jets of other places: those with equal numbers of jets are turned."""
    turned = {name: getattr(events, name).copy() for name in ("eta", "phi")}
    for number in np.unique(events.n_jets):
        first = events.offsets[:-1][events.n_jets == number]
        for rank in range(number):
            for values in turned.values():
                values[first + rank] = other(values[first + rank])
    return replace(events, **turned).check("turned events")


def test_directions_of_other_events_do_not_close_and_the_map_does(samples):
    """An ensemble trained on such events would close on them: there is no effect left. So the map must not."""
    test, train = (with_directions_of(samples[name], lambda values: np.roll(values, 1)) for name in ("test", "train"))
    found = verdicts(test, train)
    assert not any(found[name] for name in ENSEMBLE)
    assert not any(found[name] for name in MAP)


def test_jets_in_the_events_of_others_do_not_close(samples):
    """Boundaries of events that are one jet off."""
    events = samples["test"]
    offsets = events.offsets.copy()
    offsets[1:-1] += 1
    shifted = replace(events, offsets=offsets)
    with pytest.raises(ValueError, match="are not ordered by falling pT"):
        shifted.check("shifted")
    assert not any(verdicts(events, samples["train"], true_efficiency(shifted))[name] for name in ENSEMBLE)
