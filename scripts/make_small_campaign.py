"""A campaign of CMS in small, on generated files: to try a configuration from end to end without any data of CMS.

``python -m scripts.make_small_campaign configs/cms_2024.yaml v15 FOLDER`` writes below the folder

- ``<campaign>_small.yaml``, which extends the campaign: its samples are generated, all else stays;
- every correction file that the campaign names, in the format of its era with the names of the campaign, for the
  generated jets and pile-up (`scripts.make_corrections`);
- the JSON of certified luminosity blocks.

A path of the campaign that starts with a variable lies there below the folder, so that the variable is to be set to it.
"""

from __future__ import annotations

import gzip
import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from correctionlib import schemav2

from deepsf.config import Config, load
from deepsf.config.jet_corrections import JetCorrections
from deepsf.config.jet_id import JetVeto
from deepsf.config.pileup import Pileup
from scripts import make_corrections as make

ROOT = Path(__file__).resolve().parents[1]
LUMINOSITY_IFB = 1.0
PROCESSES = {"ttbar": 90.0, "zjets": 220.0}
"""Cross sections [pb] of what is generated, as in the toy."""
DESCRIPTION = "Of a generated campaign; made by scripts.make_small_campaign."
RUNS_OF_RANGE, BLOCKS_OF_RUN = 30, 400
VETOED = {"eta": (-1.6, -1.2), "phi": (0.8, 1.2)}
# of the sources' names: uncertainty in the eight bins of eta of the toy
SHAPES = {
    "HF": ("0.04", *("0.0",) * 6, "0.04"),
    "EC2": ("0.0", "0.03", *("0.0",) * 4, "0.03", "0.0"),
    "BBEC1": ("0.0", "0.0", *("0.01",) * 4, "0.0", "0.0"),
    "FlavorQCD": make.SOURCES["FlavorQCD"],
    "RelativeBal": make.SOURCES["RelativeBal"],
}
_EDGE = 1e9
Files = dict[str, dict[str, Any]]
"""By path and name: corrections and compounds."""


def corrections_of(config: Config) -> dict[str, schemav2.CorrectionSet]:
    """Return the correction files that a campaign names, by their paths there."""
    files: Files = {}
    for section in _sections(config, "jet_corrections"):
        kinds = {name: sample.kind for name, sample in config.samples.items()}
        _add_jet_corrections(files.setdefault(section.file, {}), section, kinds)
        if section.jer is not None and section.jer.smearing is not None:
            smearing = section.jer.smearing
            _add(files.setdefault(smearing.file, {}), smearing_like_cms(smearing.name))
    for section in _sections(config, "pileup"):
        _add(files.setdefault(section.file, {}), _pileup(section))
    ids = [config.selection.jet.id]
    for section in _sections(config, "jet_veto"):
        _add(files.setdefault(section.file, {}), veto_map(section))
        ids.append(section.id)
    for jet_id in ids:
        if jet_id is not None and jet_id.file is not None and jet_id.name is not None:
            _add(files.setdefault(jet_id.file, {}), identification(jet_id.name, "LeptonVeto" in jet_id.name))
    return {path: _as_set(made) for path, made in files.items()}


def smearing_like_cms(name: str) -> schemav2.Correction:
    """Return the smearing in the form of CMS: random numbers follow from the event, pT, eta and rho."""
    random = schemav2.HashPRNG(nodetype="hashprng", inputs=["JetPt", "JetEta", "Rho", "EventID"], distribution="normal")
    stochastic = make.formula("1+sqrt(max(x*x-1,0))*y*z", ("JERSF", "JER", "GenPt"))
    matched = make.formula("1+(x-1)*(y-z)/y", ("JERSF", "JetPt", "GenPt"))
    unmatched = schemav2.Transform(nodetype="transform", input="GenPt", rule=random, content=stochastic)
    inputs = ["JetPt", "JetEta", "GenPt", "Rho", "EventID", "JER", "JERSF"]
    return make.correction(name, inputs, make.binning("GenPt", [-1, 0, 1], [unmatched, matched]), "smear", DESCRIPTION)


def identification(name: str, lepton_veto: bool) -> schemav2.Correction:
    """Return the published cuts of run 3 on what jets consist of, as a correction that is 1 or 0."""
    veto = {"muEF": 0.8, "chEmEF": 0.8} if lepton_veto else {}
    has_tracks = _above({"multiplicity": 2, "chHEF": 0.01, "chMultiplicity": 1})
    central = _below({"neHEF": 0.99, "neEmEF": 0.9, **veto}, has_tracks)
    between = _below({"neHEF": 0.9, "neEmEF": 0.99, **veto}, 1.0)
    endcap = _below({"neHEF": 0.99}, 1.0)
    forward = _above({"neMultiplicity": 2}, _below({"neEmEF": 0.4}, 1.0))
    sides = [forward, endcap, between, central]
    tree = make.binning("eta", [-6, -3, -2.7, -2.6, 2.6, 2.7, 3, 6], [*sides, *sides[-2::-1]])
    content = ["chHEF", "neHEF", "chEmEF", "neEmEF", "muEF", "chMultiplicity", "neMultiplicity", "multiplicity"]
    return make.correction(name, ["eta", *content], tree, "pass", DESCRIPTION)


def veto_map(settings: JetVeto) -> schemav2.Correction:
    """Return a map with one vetoed region, in the form of CMS."""
    values: list[Any] = [*(0.0,) * 4, 100.0, *(0.0,) * 4]
    regions = schemav2.MultiBinning(
        nodetype="multibinning",
        inputs=["eta", "phi"],
        edges=[[-5.191, *VETOED["eta"], 5.191], [-3.1415926, *VETOED["phi"], 3.1415926]],
        content=values,
        flow="error",
    )
    kinds = dict.fromkeys(("jetvetomap", "jetvetomap_all", settings.type), regions)
    return make.correction(settings.name, ["type", "eta", "phi"], make.category("type", kinds), "vetomaps", DESCRIPTION)


def certified_of(config: Config) -> dict[str, dict[str, list[list[int]]]]:
    """Return certified luminosity blocks within the campaign's runs by the path of their JSON."""
    found: dict[str, dict[str, list[list[int]]]] = {}
    for sample in config.samples.values():
        path = sample.certified or config.campaign.certified
        if sample.kind != "data" or path is None:
            continue
        for first, last in sample.runs or config.campaign.runs:
            step = max(1, (last - first) // RUNS_OF_RANGE)
            found.setdefault(path, {}).update({str(run): [[1, BLOCKS_OF_RUN]] for run in range(first, last + 1, step)})
    return found


def small(path: Path, config: Config, version: str) -> dict[str, Any]:
    """Return the tree of the small campaign: data samples are generated, and one of ttbar and one of Drell-Yan.

    Raises
    ------
    ValueError
        If the campaign has no simulated sample whose name begins with ttbar, or with dy.
    """
    simulated = [name for name, sample in config.samples.items() if sample.kind == "simulation"]
    samples: dict[str, Any] = dict.fromkeys(simulated)
    for begin, process in (("ttbar", "ttbar"), ("dy", "zjets")):
        name = next((name for name in simulated if name.startswith(begin)), None)
        if name is None:
            raise ValueError(f"{path}: no simulated sample begins with {begin}; it has {', '.join(simulated)}")
        samples[name] = {"files": [], "generate": [process], "cross_section_pb": PROCESSES[process]}
    of_data = [name for name, sample in config.samples.items() if sample.kind == "data"]
    samples |= {name: {"files": [], "generate": list(PROCESSES)} for name in of_data}
    quick = yaml.safe_load((ROOT / "configs" / "toy_small.yaml").read_text(encoding="utf-8"))
    true_sf = {"file": "configs/true_sf/toy.json", "name": "toy_shape"}
    return {
        "extends": str(path.resolve()),
        **{key: quick[key] for key in ("normalisation", "event_weight", "training", "ensemble", "audit")},
        "binned": {**quick["binned"], "bins": few_bins(config)},
        "campaign": {"luminosity_ifb": LUMINOSITY_IFB},
        "samples": samples,
        "generator": {"nanoaod": version, "events_per_file": 100_000, "true_sf": true_sf},
    }


def few_bins(config: Config) -> dict[str, Any]:
    """Return bins of every measured flavour that few events fill, with edges at working points of the tagger."""
    loose, medium, tight, *_ = sorted(config.tagger.working_points.values())
    heavy = [-2.01, 0.0, medium, 0.5 * (medium + tight), tight, 1.01]
    light = [-2.01, 0.0, 0.25 * loose, 0.5 * loose, loose, 1.01]
    return {
        flavour: {
            "pt_gev": [20, 50, 1000],
            "abseta": [0, 2.5],
            "discriminant": heavy if 5 in config.flavours[flavour].hadron_flavours else light,
        }
        for flavour in config.binned.bins
    }


def write(path: Path, version: str, folder: Path) -> Path:
    """Write all files of a small campaign; returns its configuration."""
    config = load(path)
    if not isinstance(config, Config):
        raise ValueError(f"{path}: a campaign of efficiencies alone has no samples to generate")
    texts = {place: make.to_json(made) for place, made in corrections_of(config).items()}
    texts |= {place: json.dumps(blocks, allow_nan=False) for place, blocks in certified_of(config).items()}
    for place, text in texts.items():
        file = folder / re.sub(r"^(\$\{?\w+\}?)?/+", "", place)
        file.parent.mkdir(parents=True, exist_ok=True)
        # no time of writing, so that the same content has the same bytes
        file.write_bytes(gzip.compress(text.encode(), mtime=0) if file.suffix == ".gz" else text.encode())
    small_path = folder / f"{path.stem}_small.yaml"
    small_path.write_text(yaml.safe_dump(small(path, config, version), sort_keys=False), encoding="utf-8")
    return small_path


def _sections(config: Config, key: str) -> Iterator[Any]:
    """Yield a section of the campaign and of its samples, where there is one."""
    for holder in (config, *config.samples.values()):
        if getattr(holder, key) is not None:
            yield getattr(holder, key)


def _add(file: dict[str, Any], *made: Any) -> None:
    file.update({one.name: one for one in made})


def _add_jet_corrections(file: dict[str, Any], settings: JetCorrections, kinds: Mapping[str, str]) -> None:
    jec, jer = settings.jec, settings.jer
    is_new = jer is not None and jer.scale_factor_uncertainty is not None
    named = [("simulation", jec.simulation or ()), ("data", jec.data or ())]
    named += [(kinds[sample], levels) for sample, levels in jec.samples.items() if sample in kinds]
    for kind, names in named:
        for name in names:
            _add(file, *_energy_correction(name, kind, is_new))
    for source, name in settings.jes_sources.items():
        shape = next((shape for part, shape in SHAPES.items() if part in source), make.SOURCES["Absolute"])
        _add(file, make.uncertainty(name, shape))
    if jer is not None:
        _add(file, make.resolution(jer.resolution))
        if jer.scale_factor_uncertainty is None:
            _add(file, make.scale_factor(jer.scale_factor))
        else:
            _add(file, make.correction(jer.scale_factor, ["JetEta", "JetPt"], make.SCALE_FACTOR["nom"]))
            size = make.SCALE_FACTOR["up"] - make.SCALE_FACTOR["nom"]
            _add(file, make.correction(jer.scale_factor_uncertainty, ["JetEta", "JetPt"], size))


def _energy_correction(name: str, kind: str, is_new: bool) -> list[Any]:
    """Return a level of the energy correction, or a compound and its levels.

    Files of 2026 ask for the run in the residual of data, those of 2023 with less pixels for phi.
    """
    further = {"L2L3Residual": "run" if is_new and kind == "data" else None}
    further |= {"L2Relative": "JetPhi"} if "BPix" in name else {}
    if make.COMPOUND not in name:
        level = next((level for level in make.LEVELS if level in name), "L3Absolute")
        return [make.level_correction(name, level, kind, further.get(level))]
    levels = [
        make.level_correction(name.replace(make.COMPOUND, level), level, kind, further.get(level))
        for level in make.LEVELS
    ]
    return [*levels, make.compound(name, levels)]


def _pileup(settings: Pileup) -> schemav2.Correction:
    keys = (settings.weights, *(settings.shifts or ()))
    changes = dict(zip(keys, make.PILE_UP_CHANGE.values(), strict=False))
    return make.pile_up_weights(settings.name, changes, DESCRIPTION)


def _below(limits: dict[str, float], then: Any) -> Any:
    """Return a value for what lies below all limits, 0 for all else."""
    for name, limit in limits.items():
        then = make.binning(name, [-_EDGE, limit, _EDGE], [then, 0.0])
    return then


def _above(limits: dict[str, float], then: Any = 1.0) -> Any:
    """Return a value for what reaches all limits, 0 for all else."""
    for name, limit in limits.items():
        then = make.binning(name, [-_EDGE, limit, _EDGE], [0.0, then])
    return then


def _as_set(made: dict[str, Any]) -> schemav2.CorrectionSet:
    compounds = [one for one in made.values() if isinstance(one, schemav2.CompoundCorrection)]
    corrections = [one for one in made.values() if not isinstance(one, schemav2.CompoundCorrection)]
    return schemav2.CorrectionSet(schema_version=2, corrections=corrections, compound_corrections=compounds or None)


if __name__ == "__main__":
    print(write(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]).resolve()))
