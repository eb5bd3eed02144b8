"""Exported ensembles, evaluated with onnxruntime: what `EfficiencyEnsemble.evaluate` gives, without torch."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime

from deepsf.arrays import Ints
from deepsf.efficiency.efficiencies import Efficiencies
from deepsf.efficiency.events.events import JetEvents
from deepsf.efficiency.non_closure.cells import NonClosures
from deepsf.reading import in_words

# Few at a time, so that what all members say of all pairs stays in the cache of a core.
_BLOCK_PAIRS, _BLOCK_EVENTS = 1920, 192


class OnnxEfficiencies:
    """An exported ensemble (``efficiency.onnx``), evaluated on one core; it gives what `EfficiencyEnsemble` gives.

    Parameters
    ----------
    model
        Path or content of the ONNX file.

    Raises
    ------
    ValueError
        If it is no exported ensemble; the message names the file.

    Attributes
    ----------
    flavours
        Hadron-flavour codes by flavour.
    working_points
        Names, from the loosest to the tightest.
    non_closure
        Errors of the efficiencies beside the spread, by cell; None if the file has none.
    """

    def __init__(self, model: str | Path | bytes) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        source = model if isinstance(model, bytes) else str(model)
        try:
            self._session = onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
            about = {key: json.loads(value) for key, value in self._session.get_modelmeta().custom_metadata_map.items()}
            self.flavours: dict[str, list[int]] = about["flavours"]
            self.working_points: tuple[str, ...] = tuple(about["working_points"])
            stored = about.get("non_closure")
            self.non_closure = None if stored is None else NonClosures.of_content(stored)
        except Exception as error:  # onnxruntime raises many types
            name = "the model" if isinstance(model, bytes) else model
            raise ValueError(f"{name}: no exported ensemble ({in_words(error)}); give another file") from None

    def evaluate(self, events: JetEvents) -> Efficiencies:
        """Return what `Efficiencies` has of all jets, with the error from the non-closure if the file has one.

        Raises
        ------
        ValueError
            If a jet has a flavour that the networks were not trained on.
        """
        codes = events.numbers({name: codes[0] for name, codes in self.flavours.items()}, "the ensemble")
        shape = len(events.pt_gev), len(self.working_points)
        mean, spread, of_cells = (np.empty(shape, np.float32) for _ in range(3))
        names = _OUTPUTS if self.non_closure is None else (*_OUTPUTS, "non_closure")
        result = Efficiencies(
            mean, spread, np.empty(shape[:1], np.bool_), of_cells if len(names) > len(_OUTPUTS) else None
        )
        for n_jets in np.unique(events.n_jets[events.n_jets > 0]):
            first = events.offsets[:-1][events.n_jets == n_jets]
            size = min(_BLOCK_EVENTS, max(1, _BLOCK_PAIRS // max(1, n_jets * (n_jets - 1))))
            for begin in range(0, len(first), size):
                rows = first[begin : begin + size, None] + np.arange(n_jets)
                for name, values in zip(names, self._run(events, codes, rows, names), strict=True):
                    getattr(result, _FIELDS[name])[rows] = values
        return result

    def _run(self, events: JetEvents, codes: Ints, rows: Ints, names: Sequence[str]) -> Any:
        inputs: dict[str, npt.NDArray[Any]] = {name: getattr(events, name)[rows] for name in ("pt_gev", "eta", "phi")}
        inputs |= {"hadron_flavour": codes[rows], "mask": np.ones(rows.shape, np.bool_)}
        return self._session.run(list(names), inputs)


_OUTPUTS = ("efficiency", "spread", "out_of_range")
_FIELDS = {"efficiency": "mean", "spread": "spread", "out_of_range": "out_of_range", "non_closure": "non_closure"}
"""Of `Efficiencies`, by output."""
