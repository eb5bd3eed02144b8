"""What figures of efficiencies show, as the audit writes it: `EfficiencyClosure` and its JSON form."""

from __future__ import annotations

import json
import math
from types import UnionType
from typing import Any, NamedTuple, get_args, get_origin, get_type_hints

import numpy as np

from deepsf.arrays import Floats
from deepsf.efficiency.audit.closure import RegionYields
from deepsf.efficiency.audit.correlation import TagCorrelation
from deepsf.efficiency.audit.jet_closure import Profile, Reliability
from deepsf.efficiency.audit.non_closure import NonClosureCheck
from deepsf.efficiency.audit.spread import SpreadCheck
from deepsf.json_text import json_text


class SampleClosure(NamedTuple):
    """Closure on one sample; ``regions`` by region and variable, ``profiles`` by variable.

    ``share`` is the sample's part of the luminosity. Yields are divided by it: they are those of all events.
    """

    n_events: int
    share: float
    has_truth: bool
    regions: dict[str, dict[str, RegionYields]]
    n_tags: RegionYields
    profiles: dict[str, Profile]


class Quality(NamedTuple):
    """How close the nominal model is to the truth on the test sample.

    Attributes
    ----------
    gap_closed
        Share of the gap in cross-entropy between map and truth that it closes, all working points together; None
        without a map.
    deviation
        Mean |predicted - true| / mean true by flavour, ``(n_flavours,)``.
    """

    gap_closed: float | None
    deviation: Floats


class PointClosure(NamedTuple):
    """Closure of the test sample at another working point than that of tags.

    ``reliability`` is by model, ``correlation`` and ``quality`` of the nominal one; regions have DeltaR alone.
    """

    sample: SampleClosure
    reliability: dict[str, Reliability]
    correlation: TagCorrelation
    quality: Quality | None = None


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
    other_points
        By working point, all but that of tags.
    quality
        None without truth.
    """

    flavours: tuple[str, ...]
    working_point: str
    nominal: str
    n_members: dict[str, int]
    samples: dict[str, SampleClosure]
    reliability: dict[str, Reliability]
    correlation: dict[str, TagCorrelation]
    spread: SpreadCheck | None
    non_closure: NonClosureCheck
    other_points: dict[str, PointClosure]
    quality: Quality | None = None

    def at(self, point: str) -> EfficiencyClosure:
        """Return the closure of the test sample at another working point, with what there is of it."""
        found = self.other_points[point]
        return self._replace(
            working_point=point,
            samples={"test": found.sample},
            reliability=found.reliability,
            quality=found.quality,
        )

    def to_json(self) -> str:
        """Return everything as text, what is not finite as null."""
        return json_text(self, is_known=math.isfinite)

    @classmethod
    def from_json(cls, text: str) -> EfficiencyClosure:
        """Return what `to_json` wrote."""
        restored: EfficiencyClosure = _restored(cls, json.loads(text))
        return restored


def _restored(kind: Any, stored: Any) -> Any:
    """Return what `plain` made of a value of this type; null in arrays is NaN."""
    origin, arguments = get_origin(kind) or kind, get_args(kind)
    if hasattr(kind, "_fields"):
        return kind(**{name: _restored(part, stored[name]) for name, part in get_type_hints(kind).items()})
    if origin is UnionType:
        return None if stored is None else _restored(arguments[0], stored)
    if origin is dict:
        return {name: _restored(arguments[1], part) for name, part in stored.items()}
    if origin is np.ndarray:
        return np.array(stored, get_args(arguments[1])[0])
    return tuple(stored) if origin is tuple else stored
