"""What figures of efficiencies show, as the audit writes it: `EfficiencyClosure` and its JSON form."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from deepsf.efficiency.audit.closure import ModelYields, RegionYields
from deepsf.efficiency.audit.correlation import TagCorrelation
from deepsf.efficiency.audit.jet_closure import Profile, Reliability
from deepsf.efficiency.audit.spread import NonClosure, SpreadCheck

_INTEGERS = ("ndf", "n_jet_pairs", "n_without_spread")


class SampleClosure(NamedTuple):
    """Closure on one sample; ``regions`` by region and variable, ``profiles`` by variable."""

    n_events: int
    has_truth: bool
    regions: dict[str, dict[str, RegionYields]]
    n_tags: RegionYields
    profiles: dict[str, Profile]


class EfficiencyClosure(NamedTuple):
    """All that figures show.

    Attributes
    ----------
    nominal
        Model of the ensemble.
    n_members
        By model, as far as members are known.
    samples
        By name: ``test``, and if there are such ``scalar`` and ``train``, the last with the cross-fit alone.
    reliability
        By model, on the test sample, as all that follows.
    correlation
        By model; ``truth`` if it is known; ``injected``: of the nominal model, on tags drawn with a correlation.
    spread
        Of the nominal model; None without truth or members.
    non_closure
        Of the nominal model.
    """

    flavours: tuple[str, ...]
    working_point: str
    nominal: str
    n_members: dict[str, int]
    samples: dict[str, SampleClosure]
    reliability: dict[str, Reliability]
    correlation: dict[str, TagCorrelation]
    spread: SpreadCheck | None
    non_closure: NonClosure

    def to_json(self) -> str:
        """Return everything as text, NaN as null."""
        return json.dumps(plain(self), sort_keys=True, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> EfficiencyClosure:
        """Return what `to_json` wrote."""
        stored = json.loads(text)
        return cls(
            flavours=tuple(stored["flavours"]),
            working_point=stored["working_point"],
            nominal=stored["nominal"],
            n_members=stored["n_members"],
            samples={name: _sample(sample) for name, sample in stored["samples"].items()},
            reliability={name: Reliability(**_arrays(part)) for name, part in stored["reliability"].items()},
            correlation={
                name: TagCorrelation(**{**_arrays(part), "pairs": tuple(part["pairs"])})
                for name, part in stored["correlation"].items()
            },
            spread=None if stored["spread"] is None else SpreadCheck(**_arrays(stored["spread"])),
            non_closure=NonClosure(**_arrays(stored["non_closure"])),
        )


def plain(value: Any) -> Any:
    """Return named tuples, arrays and numbers as JSON has them; what is not finite as null."""
    if hasattr(value, "_asdict"):
        return plain(value._asdict())
    if isinstance(value, Mapping):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value


def _array(values: Any) -> Any:
    """Return a (nested) list of numbers as an array, null as NaN; anything else as it is."""
    return np.array(values, np.float64) if isinstance(values, list) else values


def _arrays(stored: Mapping[str, Any]) -> dict[str, Any]:
    arrays = {key: values if key == "pairs" else _array(values) for key, values in stored.items()}
    return {key: values.astype(np.int64) if key in _INTEGERS else values for key, values in arrays.items()}


def _region(stored: Mapping[str, Any]) -> RegionYields:
    models = {name: ModelYields(**_arrays(part)) for name, part in stored["models"].items()}
    parts = {key: _array(stored[key]) for key in ("edges", "direct", "direct_variance")}
    return RegionYields(categories=tuple(stored["categories"]), models=models, **parts)


def _sample(stored: Mapping[str, Any]) -> SampleClosure:
    profiles = {}
    for name, part in stored["profiles"].items():
        by_model = ({model: _array(v) for model, v in part[key].items()} for key in ("models", "spread"))
        arrays = (_array(part[key]) for key in ("edges", "weight", "tag_rate", "tag_error"))
        profiles[name] = Profile(*arrays, *by_model)
    return SampleClosure(
        n_events=stored["n_events"],
        has_truth=stored["has_truth"],
        regions={
            region: {name: _region(part) for name, part in variables.items()}
            for region, variables in stored["regions"].items()
        },
        n_tags=_region(stored["n_tags"]),
        profiles=profiles,
    )
