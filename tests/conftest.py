"""Fixtures that several test modules use: NanoAOD-like ROOT files and a selection that fits them."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot

from deepsf.config.flavours import Tagger
from deepsf.config.regions import Region, SameFlavourCuts
from deepsf.config.samples import Sample
from deepsf.config.selection import Selection
from tests.shape_toy import ShapeToy
from tests.shape_toy import make as make_shape_toy


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of the drill in which processes are killed, and of reference images; pytest looks for them here."""
    parser.addoption("--chaos-rounds", type=int, default=10, help="rounds of killing random processes (default: 10)")
    parser.addoption("--chaos-seed", type=int, action="append", help="the round of this seed only; may be repeated")
    parser.addoption("--update-reference-plots", action="store_true", help="write reference images of figures anew")


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    """Train as the tasks do: with one thread, and memory that is kept."""
    from deepsf.networks.cpu import prepare_process

    prepare_process()


TRIGGERS = {"ee": "HLT_DoubleEle", "emu": "HLT_MuEle", "mumu": "HLT_DoubleMu"}
FILTER = "Flag_goodVertices"
ZSTD = uproot.ZSTD(1)


def _objects(rng: np.random.Generator, counts: np.ndarray, **columns: np.ndarray) -> ak.Array:
    total = int(counts.sum())
    phi = rng.uniform(-np.pi, np.pi, total).astype("f4")
    common = {
        "pt": (10.0 + rng.exponential(30.0, total)).astype("f4"),
        "eta": rng.uniform(-2.8, 2.8, total).astype("f4"),
        "phi": phi,
    }
    sorted_columns = {name: ak.unflatten(column, counts) for name, column in {**common, **columns}.items()}
    order = ak.argsort(sorted_columns["pt"], axis=1, ascending=False)
    return ak.zip({name: column[order] for name, column in sorted_columns.items()})


def nanoaod_branches(n_events: int, seed: int, *, data: bool = False, run3: bool = False) -> dict[str, Any]:
    """Return random branches in the form of NanoAOD v9, or of v13 (no puId, small integer types)."""
    rng = np.random.default_rng(seed)
    small = "u1" if run3 else "i4"
    n_electrons, n_muons, n_jets = rng.poisson(1.3, n_events), rng.poisson(1.3, n_events), rng.poisson(3.5, n_events)
    e, m, j = int(n_electrons.sum()), int(n_muons.sum()), int(n_jets.sum())
    jets = {
        "jetId": rng.choice([0, 2, 6], j, p=[0.1, 0.2, 0.7]).astype(small),
        "btagDeepFlavB": rng.beta(0.4, 0.8, j).astype("f4"),
        "qgl": rng.random(j).astype("f4"),
    }
    jets |= {} if run3 else {"puId": rng.choice([0, 3, 4, 7], j, p=[0.1, 0.1, 0.2, 0.6]).astype("i4")}
    jets |= {} if data else {"hadronFlavour": rng.choice([0, 4, 5], j, p=[0.5, 0.1, 0.4]).astype(small)}
    branches: dict[str, Any] = {
        "run": np.full(n_events, 300_000 if data else 1, "u4"),
        "luminosityBlock": (np.arange(n_events) // 100 + 1).astype("u4"),
        "event": np.arange(n_events).astype("u8") + 2**40,
        "Electron": _objects(
            rng,
            n_electrons,
            charge=rng.choice([-1, 1], e).astype("i4"),
            cutBased=rng.choice([1, 4], e, p=[0.2, 0.8]).astype(small),
            deltaEtaSC=rng.normal(0.0, 0.02, e).astype("f4"),
        ),
        "Muon": _objects(
            rng,
            n_muons,
            charge=rng.choice([-1, 1], m).astype("i4"),
            tightId=rng.random(m) < 0.9,
            pfRelIso04_all=rng.exponential(0.06, m).astype("f4"),
        ),
        "Jet": _objects(rng, n_jets, **jets),
        "PV_npvsGood": rng.poisson(30, n_events).astype("u1" if run3 else "i4"),
        FILTER: rng.random(n_events) < 0.95,
    }
    for met in ("PuppiMET",) if run3 else ("MET", "PuppiMET"):
        branches[f"{met}_pt"] = rng.exponential(40.0, n_events).astype("f4")
        branches[f"{met}_phi"] = rng.uniform(-np.pi, np.pi, n_events).astype("f4")
    branches |= {path: rng.random(n_events) < 0.9 for path in TRIGGERS.values()}
    if not data:
        branches["genWeight"] = rng.choice([-1.5, 1.5], n_events, p=[0.1, 0.9]).astype("f4")
        branches["Pileup_nTrueInt"] = rng.uniform(0.0, 80.0, n_events).astype("f4")
    return branches


def energy_branches(branches: Mapping[str, Any], seed: int, *, data: bool, run3: bool) -> dict[str, Any]:
    """Return what corrections of jets and shifts of weights need; some jets have no partner, or one not stored."""
    rng = np.random.default_rng([seed, 1])
    jets, n_events = branches["Jet"], len(branches["run"])
    counts = ak.to_numpy(ak.num(jets.pt))
    n = int(counts.sum())
    place = np.arange(n) - np.repeat(np.cumsum(counts) - counts, counts)
    partner = np.select([rng.random(n) < 0.15, rng.random(n) < 0.05], [-1, 99], place).astype("i4")
    extra = {"rawFactor": rng.uniform(-0.1, 0.2, n).astype("f4"), "area": rng.uniform(0.4, 0.6, n).astype("f4")}
    extra |= {} if data else {"genJetIdx": partner}
    for name, values in extra.items():
        jets = ak.with_field(jets, ak.unflatten(values, counts), name)
    rho = "Rho_fixedGridRhoFastjetAll" if run3 else "fixedGridRhoFastjetAll"
    found: dict[str, Any] = {"Jet": jets, rho: rng.uniform(5.0, 40.0, n_events).astype("f4")}
    if not data:
        gen_pt = ak.to_numpy(ak.flatten(jets.pt)) * rng.normal(1.0, 0.15, n).astype("f4")
        found["GenJet"] = ak.zip({"pt": ak.unflatten(gen_pt, counts), "eta": jets.eta, "phi": jets.phi})
        for name, length in (("LHEScaleWeight", 9), ("PSWeight", 4)):
            weights = rng.uniform(0.5, 1.5, n_events * length).astype("f4")
            found[name] = ak.unflatten(weights, np.full(n_events, length))
    return found


def as_rntuple(path: Path) -> Path:
    """Write the file again beside it, with Events as an RNTuple, as ROOT will have it."""
    copy = path.with_name(f"rntuple_{path.name}")
    with uproot.open(path) as file, uproot.recreate(copy, compression=uproot.ZSTD(1)) as written:
        written.mkrntuple("Events", file["Events"].arrays(how=dict))
        if "Runs" in file:
            written.mkrntuple("Runs", file["Runs"].arrays(how=dict))
    return copy


MakeNanoAOD = Callable[..., Path]


@pytest.fixture
def make_nanoaod(tmp_path: Path) -> MakeNanoAOD:
    """Write a NanoAOD-like file; ``replace`` gives branches or jet columns, ``drop`` takes some away.

    With ``energy`` it has what corrections of jets and shifts of weights need.
    """

    def make(
        n_events: int = 400,
        seed: int = 1,
        *,
        name: str = "nano.root",
        data: bool = False,
        run3: bool = False,
        energy: bool = False,
        drop: Sequence[str] = (),
        replace: Mapping[str, Any] | None = None,
        runs: bool = True,
        tree: str = "Events",
        basket: int = 150,
        compression: uproot.compression.Compression | None = ZSTD,
    ) -> Path:
        branches = nanoaod_branches(n_events, seed, data=data, run3=run3)
        if energy:
            branches |= energy_branches(branches, seed, data=data, run3=run3)
        for key, value in (replace or {}).items():
            collection, _, column = key.partition("_")
            if collection in ("Electron", "Muon", "Jet", "GenJet"):
                branches[collection] = ak.with_field(branches[collection], value, column)
            else:
                branches[key] = value
        for key in drop:
            collection, _, column = key.partition("_")
            if collection in ("Electron", "Muon", "Jet", "GenJet"):
                branches[collection] = ak.without_field(branches[collection], column)
            else:
                del branches[key]
        path = tmp_path / name
        with uproot.recreate(path, compression=compression) as file:
            types = {k: v.type.content if isinstance(v, ak.Array) else v.dtype for k, v in branches.items()}
            written = file.mktree(tree, types)
            for start in range(0, n_events, basket):
                written.extend({k: v[start : start + basket] for k, v in branches.items()})
            if runs and not data:
                sums = {"genEventSumw": np.array([2.0 * n_events, 5.0]), "genEventCount": np.array([n_events, 0])}
                file.mktree("Runs", {name: column.dtype for name, column in sums.items()}).extend(sums)
        return path

    return make


@pytest.fixture
def selection() -> Selection:
    """Return the preselection for `make_nanoaod` files."""
    return Selection(triggers={channel: (path,) for channel, path in TRIGGERS.items()}, event_filters=(FILTER,))


@pytest.fixture
def tagger() -> Tagger:
    """Return a DeepJet-like tagger."""
    return Tagger(name="deepJet", branch="btagDeepFlavB", working_points={"L": 0.0532, "M": 0.304, "T": 0.7476})


@pytest.fixture
def regions() -> dict[str, Region]:
    """Return the regions of arXiv:1712.07158."""
    hf = SameFlavourCuts(z_window="outside", met_min_gev=30)
    lf = SameFlavourCuts(z_window="inside", met_max_gev=30, pt_ll_min_gev=10, z_diamond=True)
    return {
        "hf": Region(enriched_flavour="b", channels=("ee", "emu", "mumu"), tag_above="M", same_flavour=hf),
        "lf": Region(enriched_flavour="udsg", channels=("ee", "mumu"), tag_below="L", same_flavour=lf),
    }


@pytest.fixture
def simulation() -> Sample:
    """Return a simulated sample."""
    return Sample(kind="simulation", files=("*.root",), cross_section_pb=1.0)


@pytest.fixture
def data() -> Sample:
    """Return a data sample."""
    return Sample(kind="data", files=("*.root",))


@pytest.fixture
def shape_toy() -> Callable[..., ShapeToy]:
    """Return a function ``(n, seed, tilt=, negative=)`` that makes a toy of n data entries a region."""
    return make_shape_toy
