"""Jets, leptons and corrections with round numbers, for corrections worked out by hand."""

import math

import correctionlib.schemav2 as cs
import numpy as np

from deepsf.config.jet_corrections import JetCorrections
from deepsf.nanoaod.events import Collection, Events
from deepsf.skim.dileptons import LeptonPairs
from deepsf.skim.jet_corrections import load_jet_energy

LEVELS = ("L1FastJet", "L2Relative")


def correction(name, inputs, data):
    output = cs.Variable(name="out", type="real")
    return cs.Correction(name=name, version=1, inputs=variables(*inputs), output=output, data=data)


def variables(*names):
    kinds = {"systematic": "string", "run": "int", "EventID": "int"}
    return [cs.Variable(name=name, type=kinds.get(name, "real")) for name in names]


def compound(name, inputs, *levels):
    return cs.CompoundCorrection(
        name=name, inputs=variables(*inputs), output=cs.Variable(name="out", type="real"), inputs_update=["JetPt"],
        input_op="*", output_op="*", stack=list(levels),
    )  # fmt: skip


def formula(expression, *variables):
    return cs.Formula(nodetype="formula", parser="TFormula", expression=expression, variables=variables)


def write_corrections(path):
    """Write corrections with round numbers (see each test), in the formats of CMS before 2024 and since."""
    # 1.1 below 53.5 GeV and 2 above: whoever looks it up at the raw pT of 54 GeV doubles
    below = cs.Binning(nodetype="binning", input="JetPt", edges=[0, 53.5, 1e5], content=[1.1, 2.0], flow="clamp")
    factors = [cs.CategoryItem(key=key, value=value) for key, value in (("nom", 1.2), ("up", 1.25), ("down", 0.9))]
    scale_factor = cs.Category(nodetype="category", input="systematic", content=factors)
    forward = cs.Binning(
        nodetype="binning", input="JetEta", edges=[-6, -3, 3, 6], content=[0.1, 0.0, 0.1], flow="clamp"
    )
    of_run = cs.Binning(nodetype="binning", input="run", edges=[0, 2, 9e9], content=[1.5, 2.0], flow="clamp")
    of_phi = cs.Binning(nodetype="binning", input="JetPhi", edges=[-4, 0, 4], content=[3.0, 4.0], flow="clamp")
    of_all = compound("compound", ("JetA", "JetEta", "JetPt", "Rho"), *LEVELS)
    inputs_of_data = ("JetA", "JetEta", "JetPhi", "JetPt", "Rho", "run")
    of_data = compound("compound_of_data", inputs_of_data, "L1FastJet", "L2L3Residual", "PhiResidual")
    everything = [
        correction("L1FastJet", ["JetA", "JetEta", "JetPt", "Rho"], formula("1-0.1*z*y/x", "JetPt", "JetA", "Rho")),
        correction("L2Relative", ["JetEta", "JetPt"], below),
        correction("Resolution", ["JetEta", "JetPt", "Rho"], 0.1),
        correction("ScaleFactor", ["JetEta", "systematic"], scale_factor),
        correction("NewScaleFactor", ["JetEta", "JetPt"], 1.2),
        correction("SFUncertainty", ["JetEta", "JetPt"], 0.05),
        correction("NoUncertainty", ["JetEta", "JetPt"], 0.0),
        correction("HugeUncertainty", ["JetEta", "JetPt"], 1.1),
        correction("Absolute", ["JetEta", "JetPt"], 0.02),
        correction("Forward", ["JetEta", "JetPt"], forward),
        correction("Sloped", ["JetEta", "JetPt"], formula("0.01+0.4/x", "JetPt")),
        correction("L2L3Residual", ["JetEta", "JetPhi", "JetPt", "run"], of_run),
        correction("PhiResidual", ["JetEta", "JetPhi", "JetPt"], of_phi),
        correction("Odd", ["JetEta", "Temperature"], 1.0),
        correction("Zero", ["JetPt"], 0.0),
        correction("Narrow", ["JetPt"], cs.Binning(
            nodetype="binning", input="JetPt", edges=[20, 30], content=[1.0], flow="error")),
    ]  # fmt: skip
    tree = cs.CorrectionSet(schema_version=2, corrections=everything, compound_corrections=[of_all, of_data])
    path.write_text(tree.model_dump_json(exclude_unset=True))
    return path


def write_smearing(path, name="JERSmear", scale_factor="JERSF"):
    """Write the smearing as in the public recipe (cms-nanoAOD/correctionlib#130)."""
    random = cs.HashPRNG(nodetype="hashprng", inputs=["JetPt", "JetEta", "Rho", "EventID"], distribution="normal")
    stochastic = formula("1+sqrt(max(x*x-1,0))*y*z", scale_factor, "JER", "GenPt")
    tree = cs.Binning(
        nodetype="binning", input="GenPt", edges=[-1, 0, 1], flow="clamp", content=[
            cs.Transform(nodetype="transform", input="GenPt", rule=random, content=stochastic),
            formula("1+(x-1)*(y-z)/y", scale_factor, "JetPt", "GenPt"),
        ],
    )  # fmt: skip
    inputs = ["JetPt", "JetEta", "GenPt", "Rho", "EventID", "JER", scale_factor]
    of_set = cs.CorrectionSet(schema_version=2, corrections=[correction(name, inputs, tree)])
    path.write_text(of_set.model_dump_json(exclude_unset=True))
    return path


JEC = {"simulation": LEVELS, "data": LEVELS}
NEW_JER = {
    "resolution": "Resolution", "scale_factor": "NewScaleFactor", "scale_factor_uncertainty": "SFUncertainty",
}  # fmt: skip
"""The format since 2024: the uncertainty is a correction of its own."""
JER = {"resolution": "Resolution", "scale_factor": "ScaleFactor"}
SOURCES = {"Absolute": "Absolute", "Sloped": "Sloped"}


def energy(path, sample="ttbar", kind="simulation", **sections):
    return load_jet_energy(JetCorrections(file=str(path), **sections), sample, kind)


def chunk(pt, *, eta=1.0, phi=math.pi, raw_factor=0.1, gen=(), partner=(), met=30.0, met_phi=0.0, n_events=1):
    """Return events with the same jets each, and their pairs of leptons, at eta -2 and phi -1.5 and -1.6."""
    pt = np.tile(np.asarray(pt, np.float32), n_events)
    n = len(pt)
    per_event = n // n_events
    offsets = np.arange(0, n + 1, per_event)

    def column(value, dtype=np.float32):
        return np.tile(np.broadcast_to(np.asarray(value, dtype), per_event), n_events)

    columns = {"pt": pt, "eta": column(eta), "phi": column(phi), "rawFactor": column(raw_factor), "area": column(0.5)}
    gen_columns = {
        name: np.array([g[k] for g in gen] * n_events, np.float32) for k, name in enumerate(("pt", "eta", "phi"))
    }
    columns["genJetIdx"] = column(partner if len(partner) else -1, np.int32)
    number = np.arange(n_events)
    nothing = Collection(np.zeros(n_events + 1, np.int64), {})
    events = Events(
        first_index=0, run=number * 0 + 1, luminosity_block=number * 0 + 1, event=number.astype(np.uint64),
        passes_filters=number >= 0, fired=np.ones((n_events, 3), bool), met_gev=np.full(n_events, met, np.float32),
        n_pv=number, fired_earlier=np.zeros((n_events, 3), np.bool_),
        weight=np.ones(n_events), n_true_interactions=None, electrons=nothing, muons=nothing,
        jets=Collection(offsets, columns), jet_columns={}, met_phi=np.full(n_events, met_phi, np.float32),
        rho=np.full(n_events, 20.0, np.float32),
        gen_jets=Collection(np.arange(n_events + 1) * len(gen), gen_columns),
    )  # fmt: skip
    pair = np.tile([[-1.5, -1.6]], (n_events, 1))
    leptons = LeptonPairs(number, number.astype(np.int8) * 0, pair * 0 + 50, pair * 0 - 2, pair, n_events, None)
    return events, leptons


def varied(jets_energy, events, leptons):
    return dict(jets_energy.vary(events, leptons, 0.4))
