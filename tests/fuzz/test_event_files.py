"""Damaged files of events that others wrote, parquet and ROOT; neither has a checksum of everything."""

from __future__ import annotations

import hashlib

import awkward as ak
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import uproot

from deepsf.config.efficiency.events import EventColumns
from deepsf.efficiency.events.from_files import EventFormat, events_of_files
from tests.analysis.efficiency.events.random_jets import random_events
from tests.fuzz.gate import failures

NAMES = {"pt_gev": "pt", "eta": "eta", "phi": "phi", "flavour": "label", "tag_bin": "tag"}
FORMAT = EventFormat(
    {"b": (0,), "c": (1,), "udsg": (2,)}, ("M",), EventColumns(**NAMES, weight="weight", event="event")
)


def read(path) -> str:
    events = events_of_files([path], FORMAT, "train")
    digest = hashlib.sha256(np.ascontiguousarray(events.offsets).tobytes())
    for name in (*NAMES, "weight", "event"):
        digest.update(getattr(events, name).tobytes())
    return digest.hexdigest()


@pytest.mark.parametrize("name", ["events.parquet", "events.root"])
def test_no_damage_of_events_of_others_does_harm(tmp_path, name):
    events, path = random_events(150), tmp_path / name
    columns = {other: ak.unflatten(getattr(events, key), events.n_jets) for key, other in NAMES.items()}
    columns |= {key: ak.Array(getattr(events, key)) for key in ("weight", "event")}
    if name.endswith(".root"):
        with uproot.recreate(path, compression=uproot.ZLIB(1)) as file:
            file.mktree("Events", {key: array.type.content for key, array in columns.items()}).extend(columns)
    else:
        pq.write_table(
            pa.table({key: ak.to_arrow(array, extensionarray=False) for key, array in columns.items()}), path
        )
    assert not failures(read, path, 30, has_checksum=False)
