"""Events for efficiencies from the jets of an analysis: awkward arrays, or flat ones with counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import awkward as ak
import numpy as np
import numpy.typing as npt

from deepsf.efficiency.events.events import JetEvents, offsets_of
from deepsf.jets import flavour_index

_COLUMNS = ("pt", "eta", "phi", "hadronFlavour")


def events_of_jets(
    jets: Any,
    hadron_flavours: Mapping[str, Sequence[int]],
    *,
    working_points: Sequence[str] = (),
    event: npt.ArrayLike | None = None,
    counts: npt.ArrayLike | None = None,
) -> JetEvents:
    """Return the events of simulated jets, to evaluate networks and maps; they have no tags, and weight 1.

    Parameters
    ----------
    jets
        *All* selected jets by falling pT, with the columns of NanoAOD: ``pt`` [GeV], ``eta``, ``phi``,
        ``hadronFlavour``. Either an awkward array of records, one list for each event, or a mapping of flat numpy
        arrays, together with ``counts``.
    hadron_flavours
        Codes by flavour, such as ``{"b": [5], "c": [4], "udsg": [0]}``.
    working_points
        Those of the maps to evaluate, from the loosest to the tightest. Networks know theirs.
    event
        Event numbers, ``(n_events,)``, which seed random draws; by default 0, 1, ...
    counts
        Number of jets of each event, for flat arrays.

    Raises
    ------
    ValueError
        If a column is missing, jets are not sorted by event, a flavour is unknown, or a rule of `JetEvents` is broken.
    """
    fields = set(jets.fields) if isinstance(jets, ak.Array) else set(jets)
    if missing := [name for name in _COLUMNS if name not in fields]:
        raise ValueError(f"jets have no column {', '.join(missing)}; they have {sorted(fields)}")
    if isinstance(jets, ak.Array):
        if jets.ndim != 2:
            raise ValueError(
                "jets must be one list an event; of flat arrays give counts, the number of jets of each event"
            )
        counts = ak.to_numpy(ak.num(jets["pt"]))
        jets = {name: ak.to_numpy(ak.flatten(jets[name])) for name in _COLUMNS}
    if counts is None or np.sum(counts) != len(jets["pt"]):
        raise ValueError(
            f"counts must be the number of jets of each event and add up to {len(jets['pt'])}, got "
            f"{None if counts is None else np.sum(counts)}"
        )
    n_jets = np.asarray(counts, np.int64)
    if np.any(n_jets < 0):
        raise ValueError(f"counts of jets cannot be negative, got {n_jets.min()}")
    return JetEvents(
        offsets=offsets_of(n_jets),
        pt_gev=np.asarray(jets["pt"], np.float32),
        eta=np.asarray(jets["eta"], np.float32),
        phi=wrapped(np.asarray(jets["phi"], np.float32)),
        flavour=flavour_index(np.asarray(jets["hadronFlavour"]), hadron_flavours, "jets"),
        tag_bin=np.zeros(len(jets["pt"]), np.int8),
        weight=np.ones(len(n_jets), np.float32),
        event=np.arange(len(n_jets), dtype=np.uint64) if event is None else np.asarray(event, np.uint64),
        flavours=tuple(hadron_flavours),
        working_points=tuple(working_points),
    ).check("jets")


def wrapped(phi: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return the same directions within [-pi, pi]: NanoAOD keeps few bits of phi, and its largest number is above.

    Raises
    ------
    ValueError
        If a number is beyond two turns: it is hardly an angle in radians.
    """
    largest = float(np.max(np.abs(phi), initial=0.0))
    if not largest <= 4.0 * np.pi:
        raise ValueError(f"phi reaches {largest:g}; it must be in radians")
    wide, end = phi.astype(np.float64), np.float32(np.pi)
    turned = (wide - 2.0 * np.pi * np.rint(wide / (2.0 * np.pi))).astype(np.float32)
    # rounding to single precision must not end beyond pi; pi in single precision is above pi and stays as it is
    return np.where(np.abs(phi) <= end, phi, np.clip(turned, -end, end))
