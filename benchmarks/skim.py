"""Speed of the skim against only reading the branches it needs, and against coffea NanoEvents with awkward.

`python benchmarks/skim.py [--json FILE] [--input ROOT...]` after `source setup.sh`. Without ``--input`` the toy's
generator makes one file of ttbar and one of Z+jets. The variants take turns on each file in one process, so that other
work on the machine slows all of them alike; time is the process's CPU time, ratios are medians over the rounds.

fraction_of_read   events/s of the skim over events/s of reading its branches in the same chunks: 1 is the bound
over_nanoevents    events/s of the skim over those of the same selection and tables in coffea (virtual) and awkward
skim_peak_rss_mb   largest memory of a process that skims the files
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import awkward as ak
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import uproot
from coffea.nanoevents import NanoAODSchema, NanoEventsFactory

from deepsf.config import Config, load
from deepsf.generator.composition import Composition
from deepsf.generator.files import write_file
from deepsf.generator.plan import GeneratedFile
from deepsf.nanoaod.branches import inspect
from deepsf.skim.cut_flow import SkimReport
from deepsf.skim.settings import SkimSettings
from deepsf.skim.skim_file import skim_file
from tasks.framework.machine import made_on

TOY = Path(__file__).resolve().parents[1] / "configs" / "toy.yaml"
CHUNK = 50_000
NANOEVENTS_CHUNK = 100_000  # NanoEvents spends time on each chunk
EVENTS = {"ttbar": 300_000, "zjets": 600_000}  # before the generator's filter
ROUNDS = 7
Z_MASS_GEV = 91.1876


def generated(config: Config, folder: Path) -> list[Path]:
    paths = []
    assert config.generator is not None
    for process, n_events in EVENTS.items():
        paths.append(folder / f"{process}.root")
        file = GeneratedFile(process, "simulation", process, 0, n_events)  # type: ignore[arg-type]
        write_file(file, Composition(), config.generator, None, paths[-1])
    return paths


def read(config: Config, path: Path) -> int:
    """Read the branches of the skim in the chunks of the skim, and do nothing with them."""
    ntuple = inspect(path, config.samples["ttbar"], tagger=config.tagger, selection=config.selection)
    n_events = 0
    with uproot.open(path) as file:
        for arrays in file["Events"].iterate(list(ntuple.branches), step_size=CHUNK, library="ak", how=dict):
            n_events += len(arrays["run"])
    return n_events


def skim(config: Config, path: Path, folder: Path) -> SkimReport:
    settings = SkimSettings("benchmark", config.samples["ttbar"], config.tagger, config.selection, config.regions)
    tables = {"entries_path": folder / "entries.parquet", "jets_path": folder / "jets.parquet"}
    return skim_file(path, settings, **tables, events_per_chunk=CHUNK)


def peak_mb_of_a_process(paths: list[Path], folder: Path) -> int:
    """Return the largest memory of a process that does nothing but skim the files."""
    code = f"""
import resource
from pathlib import Path
from deepsf.config import load
from deepsf.skim.settings import SkimSettings
from deepsf.skim.skim_file import skim_file
config = load(Path({str(TOY)!r}))
settings = SkimSettings("benchmark", config.samples["ttbar"], config.tagger, config.selection, config.regions)
for path in {[str(path) for path in paths]!r}:
    skim_file(path, settings, entries_path={str(folder / "e")!r}, jets_path={str(folder / "j")!r})
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""
    return int(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout)


def nanoevents(config: Config, path: Path, folder: Path) -> None:
    """Select in coffea NanoEvents and awkward as an analyst writes it; the same two tables."""
    with uproot.open(path) as file:
        n_events = file["Events"].num_entries
    writers: dict[str, pq.ParquetWriter] = {}
    for start in range(0, n_events, NANOEVENTS_CHUNK):
        stop = min(n_events, start + NANOEVENTS_CHUNK)
        factory = NanoEventsFactory.from_root(
            {str(path): "Events"}, schemaclass=NanoAODSchema, mode="virtual", entry_start=start, entry_stop=stop
        )
        for name, columns in nanoevents_tables(config, factory.events()).items():
            table = pa.table({key: ak.to_numpy(value) for key, value in columns.items()})
            if name not in writers:
                writers[name] = pq.ParquetWriter(folder / f"{name}.parquet", table.schema, compression="zstd")
            writers[name].write_table(table)
    for writer in writers.values():
        writer.close()


class Preselected(NamedTuple):
    """Events with two good leptons and at least two good jets, one entry each; jets by falling pT."""

    events: ak.Array
    channel: ak.Array
    pair: ak.Array
    jets: ak.Array


def good_leptons(config: Config, events: ak.Array) -> tuple[ak.Array, ak.Array]:
    """Return all good leptons of each event, and the number of electrons among them."""
    cuts = config.selection
    electrons, muons = events.Electron, events.Muon
    low, high = cuts.electron.crack_abseta or (9.0, 9.0)
    sc_eta = abs(electrons.eta + electrons.deltaEtaSC)
    electrons = electrons[
        (electrons.pt > cuts.electron.pt_min_gev)
        & (abs(electrons.eta) < cuts.electron.abseta_max)
        & (electrons.cutBased >= cuts.electron.cut_based_min)
        & ((sc_eta < low) | (sc_eta > high))
    ]
    muons = muons[
        (muons.pt > cuts.muon.pt_min_gev)
        & (abs(muons.eta) < cuts.muon.abseta_max)
        & muons.tightId
        & (muons.pfRelIso04_all < cuts.muon.rel_iso_max)
    ]
    fields = ("pt", "eta", "phi", "mass", "charge")
    leptons = ak.concatenate([ak.zip({field: c[field] for field in fields}) for c in (electrons, muons)], 1)
    return ak.with_name(leptons, "PtEtaPhiMCandidate", behavior=events.behavior), ak.num(electrons)


def preselected(config: Config, events: ak.Array) -> Preselected:
    """Return the events that pass the dilepton preselection."""
    cuts = config.selection
    passes = np.ones(len(events), bool)
    for name in cuts.event_filters:
        passes = passes & events.Flag[name.removeprefix("Flag_")]
    leptons, n_electrons = good_leptons(config, events)
    fired = ak.zeros_like(passes)
    for channel, paths in enumerate(cuts.triggers[name] for name in ("ee", "emu", "mumu")):
        for trigger in paths:
            fired = fired | ((n_electrons == 2 - channel) & events.HLT[trigger.removeprefix("HLT_")])
    keep = passes & fired & (ak.num(leptons) == 2)
    events, leptons, channel = events[keep], leptons[keep], 2 - n_electrons[keep]
    leptons = leptons[ak.argsort(leptons.pt, ascending=False)]
    first, second = leptons[:, 0], leptons[:, 1]
    pair, jets = first + second, good_jets(config, events.Jet, first, second)
    keep = (
        (first.charge * second.charge < 0)
        & (first.pt > cuts.lead_lepton_pt_min_gev)
        & (pair.mass > cuts.mll_min_gev)
        & (first.delta_r(second) > cuts.delta_r_ll_min)
        & (ak.num(jets) >= 2)
    )
    jets = jets[keep]
    return Preselected(events[keep], channel[keep], pair[keep], jets[ak.argsort(jets.pt, ascending=False)])


def good_jets(config: Config, jets: ak.Array, first: ak.Array, second: ak.Array) -> ak.Array:
    """Return the good jets away from both leptons."""
    cuts = config.selection.jet
    return jets[
        (jets.pt > cuts.pt_min_gev)
        & (abs(jets.eta) < cuts.abseta_max)
        & ((jets.jetId & cuts.jet_id_bit) > 0)
        & (((jets.puId & cuts.pu_id_bit) > 0) | (jets.pt >= cuts.pu_id_pt_max_gev))
        & (jets.delta_r(first) > cuts.lepton_delta_r_min)
        & (jets.delta_r(second) > cuts.lepton_delta_r_min)
    ]


def nanoevents_tables(config: Config, events: ak.Array) -> dict[str, dict[str, ak.Array]]:
    """Return the columns of both tables for the events of a chunk."""
    events["entry"] = np.arange(len(events))
    events, channel, pair, jets = preselected(config, events)
    visible = pair + jets.sum(axis=1)
    event = {
        "entry": events.entry,
        "channel": channel,
        "weight": events.genWeight,
        "ht_gev": ak.sum(jets.pt, axis=1),
    }
    per_jet = {"rank": ak.local_index(jets.pt), "n_jets": ak.num(jets), "phi": jets.phi}
    per_jet |= {**event, **jet_columns(config, jets)}
    flat = {name: ak.flatten(ak.broadcast_arrays(value, jets.pt)[0]) for name, value in per_jet.items()}
    more = {"mll_gev": pair.mass, "pt_ll_gev": pair.pt, "met_gev": events.MET.pt, "n_pv": events.PV.npvsGood}
    ids = {name: events[name] for name in ("run", "luminosityBlock", "event")}
    return {"jets": flat, "entries": nanoevents_entries(config, {**ids, **event, **more}, jets, visible.pt)}


def jet_columns(config: Config, jets: ak.Array) -> dict[str, ak.Array]:
    score = ak.where(jets[config.tagger.branch] >= 0, jets[config.tagger.branch], -1.0)
    return {"pt_gev": jets.pt, "eta": jets.eta, "discriminant": score, "hadron_flavour": jets.hadronFlavour}


def nanoevents_entries(
    config: Config, event: dict[str, ak.Array], jets: ak.Array, mht: ak.Array
) -> dict[str, ak.Array]:
    two = ak.num(jets) == 2
    event, jets, mht = {name: value[two] for name, value in event.items()}, jets[two], mht[two]
    mll, emu = event["mll_gev"], event["channel"] == 1
    distance = abs(mll - Z_MASS_GEV)
    outside = (mll < 65.5 + 3 / 8 * mht) | (mll > 108 - mht / 4) | (mll < 79 - 3 / 4 * mht) | (mll > 99 + mht / 2)
    in_hf = emu | ((distance > 10) & (event["met_gev"] > 30))
    in_lf = ~emu & (distance < 10) & (event["met_gev"] < 30) & ~outside & (event["pt_ll_gev"] > 10)
    parts = []
    for permutation in (0, 1):
        tag, probe = (jet_columns(config, jets[:, k]) for k in (permutation, 1 - permutation))
        hf = in_hf & (tag["discriminant"] > config.tagger.working_points["M"])
        lf = in_lf & (tag["discriminant"] < config.tagger.working_points["L"])
        columns = {**event, "in_hf": hf, "in_lf": lf, "permutation": ak.full_like(event["channel"], permutation)}
        columns |= {f"tag_{name}": value for name, value in tag.items()}
        columns |= {f"probe_{name}": value for name, value in probe.items()}
        parts.append({name: value[hf | lf] for name, value in columns.items()})
    return {name: ak.concatenate([part[name] for part in parts]) for name in parts[0]}


def same_tables(ours: Path, theirs: Path) -> None:
    """Stop where the two selections differ; NanoEvents computes in float32, so that events at a threshold may."""
    for name in ("entries", "jets"):
        left, right = (pq.read_table(folder / f"{name}.parquet") for folder in (ours, theirs))
        column = "probe_pt_gev" if name == "entries" else "pt_gev"
        rows = left.num_rows, right.num_rows
        sums = [float(np.sum(table[column].to_numpy(), dtype=float)) for table in (left, right)]
        if not np.allclose([rows[0], sums[0]], [rows[1], sums[1]], rtol=1e-4):
            raise SystemExit(f"{name} differ: the skim has {rows[0]} rows, NanoEvents {rows[1]}; sums of pT {sums}")


def measure(config: Config, paths: list[Path], folder: Path, rounds: int) -> dict[str, list[float]]:
    """Return CPU seconds of each variant by round, all files together, after an untimed round."""
    ours, theirs = folder / "ours", folder / "theirs"
    ours.mkdir()
    theirs.mkdir()
    variants: dict[str, Callable[[Path], object]] = {
        "read": lambda path: read(config, path),
        "skim": lambda path: skim(config, path, ours),
        "nanoevents": lambda path: nanoevents(config, path, theirs),
    }
    seconds: dict[str, list[float]] = {name: [] for name in variants}
    for number in range(rounds + 1):
        spent = dict.fromkeys(variants, 0.0)
        for path in paths:
            for name, variant in variants.items():
                start = time.process_time()
                variant(path)
                spent[name] += time.process_time() - start
            if number == 0:
                same_tables(ours, theirs)
        if number > 0:
            for name, value in spent.items():
                seconds[name].append(value)
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, help="file to write the figures to")
    parser.add_argument("--input", type=Path, nargs="+", help="simulated NanoAOD files that fit configs/toy.yaml")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    arguments = parser.parse_args()
    config = load(TOY)
    NanoAODSchema.warn_missing_crossrefs = False
    with tempfile.TemporaryDirectory() as name:
        paths = arguments.input or generated(config, Path(name))
        reports = [skim(config, path, Path(name)) for path in paths]  # compiles the kernel
        rss_mb = peak_mb_of_a_process(paths, Path(name))
        seconds = measure(config, paths, Path(name), arguments.rounds)
    n_events = sum(report.n_events for report in reports)
    selected = sum(sum(report.cut_flow["two_jets"].values()) for report in reports)

    def ratio(of: str) -> float:
        return statistics.median(other / ours for other, ours in zip(seconds[of], seconds["skim"], strict=True))

    figures = {
        **made_on(),
        "events": n_events,
        "selected_fraction": round(selected / n_events, 3),
        "rounds": arguments.rounds,
        "fraction_of_read": round(ratio("read"), 3),
        "over_nanoevents": round(ratio("nanoevents"), 2),
        **{f"{variant}_events_per_s": round(n_events / statistics.median(s)) for variant, s in seconds.items()},
        "skim_peak_rss_mb": rss_mb,
    }
    text = json.dumps(figures, indent=2)
    print(text)
    if arguments.json:
        arguments.json.write_text(text + "\n")


if __name__ == "__main__":
    main()
