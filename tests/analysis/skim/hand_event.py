"""One event by hand: as it stands an emu event with two jets that passes the preselection."""

import numpy as np

from deepsf.nanoaod.columns import Collection
from deepsf.nanoaod.events import Events

ELECTRON = {"pt": 40.0, "eta": 0.3, "phi": 0.0, "charge": 1, "cutBased": 4, "sc_eta": 0.3}
MUON = {"pt": 30.0, "eta": -0.5, "phi": 2.5, "charge": -1, "tightId": True, "pfRelIso04_all": 0.05}
JET = {"pt": 60.0, "eta": 1.0, "phi": -1.5, "jetId": 6, "puId": 7, "discriminant": 0.5, "hadron_flavour": 5}
FAR_JET = {**JET, "pt": 35.0, "eta": -1.8, "phi": -2.2}
FLOATS = ("pt", "eta", "phi", "sc_eta", "pfRelIso04_all", "discriminant")
TYPES = {**dict.fromkeys(FLOATS, np.float32), "tightId": np.bool_, "hadron_flavour": np.int8}


def collection(objects, template, drop=()):
    """Return the objects of one event as a collection."""
    names = [name for name in template if name not in drop]
    columns = {name: np.array([obj[name] for obj in objects], TYPES.get(name, np.int32)) for name in names}
    return Collection(np.array([0, len(objects)], np.int64), columns)


def one_event(electrons=(ELECTRON,), muons=(MUON,), jets=(JET, FAR_JET), fired=(True,) * 3, filters=True, pu_id=True):
    """Return a chunk of one event; as it stands it is an emu event with two jets that passes everything."""
    return Events(
        first_index=0,
        run=np.ones(1, np.uint32),
        luminosity_block=np.ones(1, np.uint32),
        event=np.ones(1, np.uint64),
        passes_filters=np.array([filters]),
        fired=np.array([fired]),
        fired_earlier=np.zeros((1, 3), np.bool_),
        met_gev=np.zeros(1, np.float32),
        n_pv=np.zeros(1, np.int16),
        weight=np.ones(1),
        n_true_interactions=None,
        electrons=collection(electrons, ELECTRON),
        muons=collection(muons, MUON),
        jets=collection(jets, JET, drop=() if pu_id else ("puId",)),
        jet_columns={},
    )
