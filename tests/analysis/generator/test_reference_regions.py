"""The fixed regions are the configured ones of the skim, without triggers and filters."""

from pathlib import Path

import numpy as np
import uproot

from deepsf import config
from deepsf.generator.composition import Composition
from deepsf.generator.detector import reconstruct
from deepsf.generator.kinematics import generate
from deepsf.generator.nanoaod import branch_types, branches
from deepsf.generator.reference_regions import jet_pairs
from deepsf.nanoaod.branches import inspect
from deepsf.nanoaod.events import iterate
from deepsf.skim.selected import Weights, gather
from deepsf.skim.selection import select

TOY = config.load(Path(__file__).parents[3] / "configs" / "toy.yaml")


def test_regions_are_those_of_the_skim(tmp_path):
    rng = np.random.default_rng(4)
    in_region = {"hf": 0, "lf": 0}
    for process in ("ttbar", "zjets"):
        particles = generate(rng, process, 60_000, Composition()).events
        events = reconstruct(rng, particles)
        scores = {"btagDeepFlavB": np.zeros(len(events.jets.event), np.float32)}
        columns = branches(rng, particles, events, scores, 1, is_data=False)
        path = tmp_path / f"{process}.root"
        with uproot.recreate(path) as file:
            file.mktree("Events", branch_types(columns)).extend(columns)
        sample = TOY.samples[process].model_copy(update={"sum_weights": "events"})
        (stored,) = iterate(inspect(path, sample, TOY.tagger, TOY.selection), events_per_chunk=len(events.weight))
        everything = np.ones(stored.n_events, bool)
        stored = stored._replace(fired=np.ones((stored.n_events, 3), bool), passes_filters=everything)
        dileptons = select(stored, TOY.selection)
        ones = Weights(stored.weight, {})
        selected = gather(stored, dileptons, ones, TOY.regions, 0)
        pairs = jet_pairs(events, np.ones(len(events.jets.event), bool))
        # the skim's crack veto is on the cluster's eta, which is smeared by 0.01: electrons near it are left out
        abseta = np.abs(events.leptons.eta)
        is_near_crack = ((abseta > 1.38) & (abseta < 1.63) & (np.abs(events.leptons.pdg_id) == 11)).any(axis=1)
        for name, mask in (("hf", pairs.in_hf), ("lf", pairs.in_lf)):
            reference = {tuple(pair) for pair in pairs.jets[mask] if not is_near_crack[events.jets.event[pair[0]]]}
            two = np.flatnonzero(selected.in_region[name] & (dileptons.n_jets == 2))
            two = two[~is_near_crack[dileptons.position[two]]]
            first = dileptons.jet_offsets[two]
            skimmed = np.stack([dileptons.jet_index[first], dileptons.jet_index[first + 1]], axis=1)
            assert {tuple(pair) for pair in skimmed} == reference
            in_region[name] += len(reference)
    assert min(in_region.values()) > 500
