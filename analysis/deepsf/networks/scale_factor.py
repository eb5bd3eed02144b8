"""DeepSF scale factors for use: a member, and the ensemble with mean, standard error and spread.

>>> sf = EnsembleScaleFactor.load("ensemble.safetensors")                                     # doctest: +SKIP
>>> sf.evaluate(jets.hadronFlavour, abs(jets.eta), jets.pt, jets.btagDeepFlavB).mean  # doctest: +SKIP
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, cast

import awkward as ak
import numpy as np
import torch

from deepsf import __version__, tensor_files
from deepsf.arrays import Bools, Floats, Ints
from deepsf.jets import INVALID, flavour_index
from deepsf.networks.cpu import Precision
from deepsf.networks.dense import DenseNetwork
from deepsf.networks.jet_inputs import InputScaling
from deepsf.probes.entries import Jets
from deepsf.probes.measurement import Measurement
from deepsf.probes.score_limits import ScoreLimits
from deepsf.probes.weights import SmoothNormalisation
from deepsf.tensor_files import Header, Tensors

_FORMAT = "deepsf-2"

LARGEST_LOG_SF = 80.0
"""No larger |log S|: its exponential would be infinite in single precision."""


@dataclass(frozen=True)
class Architecture:
    """What is needed to rebuild the networks of a file; ``log_sf_max`` is above 0 and at most `LARGEST_LOG_SF`."""

    layers: int
    units: int
    log_sf_max: float

    def __post_init__(self) -> None:
        if not 0 < self.log_sf_max <= LARGEST_LOG_SF:
            raise ValueError(f"log_sf_max must be above 0 and at most {LARGEST_LOG_SF:g}, got {self.log_sf_max}")


@dataclass(frozen=True)
class MemberScaleFactor:
    """Scale-factor networks of one training, by flavour, and their normalisation on inclusive jets.

    Beyond ``limits`` of the score, where there are any, the scale factor is that at the limit.
    """

    architecture: Architecture
    scalings: Mapping[str, InputScaling]
    networks: Mapping[str, DenseNetwork]
    normalisation: Mapping[str, SmoothNormalisation]
    limits: Mapping[str, ScoreLimits] = field(default_factory=dict)

    def evaluate(self, flavour: str, jets: Jets, *, normalised: bool = True) -> Floats:
        """Return the scale factor of each jet, shape ``(n,)``; 1 for flavours that are not measured."""
        if flavour not in self.networks:
            return np.ones(len(jets))
        return self.of_features(flavour, self.features(flavour, jets), jets, normalised=normalised)

    def features(self, flavour: str, jets: Jets) -> torch.Tensor:
        """Return the inputs of a flavour's network, shape ``(n, n_inputs)``: of scores within the limits."""
        limits = self.limits.get(flavour)
        return self.scalings[flavour].features(jets if limits is None else limits.held(jets))

    def of_features(self, flavour: str, features: torch.Tensor, jets: Jets, *, normalised: bool = True) -> Floats:
        """Return the same from network inputs that were made before, shape ``(n, n_inputs)``."""
        output = self.networks[flavour].predict(features)
        value: Floats = scale_factor(output, self.architecture.log_sf_max).double().numpy()
        return value / self.normalisation[flavour].divisor(jets.pt_gev, jets.abseta) if normalised else value


class Estimate(NamedTuple):
    """Mean over the members, its standard error (training fluctuations alone), and the members' standard deviation."""

    mean: Any
    sem: Any
    spread: Any


@dataclass(frozen=True)
class EnsembleScaleFactor:
    """DeepSF scale factors: the mean over the members of an ensemble.

    Attributes
    ----------
    members
        Networks of each training, with their input scaling and normalisation.
    hadron_flavours
        Hadron-flavour codes by flavour.
    """

    members: tuple[MemberScaleFactor, ...]
    hadron_flavours: Mapping[str, tuple[int, ...]]

    @classmethod
    def load(cls, path: str | Path, precision: Precision = "fp32") -> EnsembleScaleFactor:
        """Return the ensemble in a file written by `save`.

        Parameters
        ----------
        precision
            ``fp32`` or ``bf16``, in which the networks are evaluated.

        Raises
        ------
        deepsf.tensor_files.TensorFileError
            If the file is not an ensemble of DeepSF.
        """
        return tensor_files.read(Path(path), _FORMAT, lambda header, tensors: _ensemble(header, tensors, precision))

    def save(self, path: Path) -> None:
        """Write weights, input scaling and normalisation to a safetensors file; equal content gives equal bytes."""
        _write(path, self.members, self.hadron_flavours, deepsf_version=__version__)

    def evaluate(self, flavour: Any, abseta: Any, pt: Any, discriminant: Any, **extra: Any) -> Estimate:
        """Return the scale factors of jets, given as numpy or awkward arrays of one structure.

        Parameters
        ----------
        flavour
            Name of a flavour for all jets, or the hadron-flavour code (5, 4, 0) of each jet.
        abseta, pt, discriminant
            |eta|, transverse momentum [GeV] and score of the jets. Values beyond the range of the training are clipped
            to it. Jets without a valid score (negative or NaN) have a scale factor of their own.
        extra
            Extra inputs by name, if the networks were trained with any.

        Returns
        -------
        Estimate
            Mean, standard error of the mean (``sem``) and spread over members, in the structure of the input.

        Raises
        ------
        ValueError
            For a flavour that the file does not know, a negative |eta|, or a missing extra input.
        """
        fields = {"pt": pt, "abseta": abseta, "discriminant": discriminant, **extra}
        return Estimate(*self._at_jets(flavour, fields, self._estimate))

    def is_extrapolated(self, flavour: Any, abseta: Any, pt: Any, discriminant: Any) -> Any:
        """Return which jets have a score at which no data determine their scale factor: it is held at a limit there.

        Parameters, structure and errors are those of `evaluate`; extra inputs do not matter.
        """
        fields = {"pt": pt, "abseta": abseta, "discriminant": discriminant}
        (beyond,) = self._at_jets(flavour, fields, self._beyond)
        return beyond

    def _at_jets(
        self, flavour: Any, fields: Mapping[str, Any], function: Callable[[Jets, Ints], Iterable[Any]]
    ) -> list[Any]:
        """Return what a function makes of flat jets and their flavours, each array in the structure of the input."""
        arrays = dict(
            zip(fields, ak.broadcast_arrays(*(ak.Array(_at_least_1d(v)) for v in fields.values())), strict=True)
        )
        named = isinstance(flavour, str)
        codes = ak.broadcast_arrays(arrays["pt"], ak.Array(_at_least_1d(0 if named else flavour)))[1]
        flat = {name: ak.to_numpy(ak.flatten(values, axis=None)).astype(np.float32) for name, values in arrays.items()}
        index = self._flavour_index(flavour, ak.to_numpy(ak.flatten(codes, axis=None)))
        result = function(_checked_jets(flat), index)
        if any(isinstance(value, ak.Array) for value in (flavour, *fields.values())):
            return [_restructure(values, arrays["pt"]) for values in result]
        shape = np.broadcast_shapes(*(np.shape(v) for v in ((0 if named else flavour), *fields.values())))
        return [values.reshape(shape) for values in result]

    def member_values(self, flavour: str, jets: Jets, *, normalised: bool = True) -> Floats:
        """Return the scale factor of every member at every jet, shape ``(n_members, n)``."""
        if flavour not in self.hadron_flavours:
            raise ValueError(f"flavour {flavour!r} is none of {list(self.hadron_flavours)}")
        if flavour not in self.members[0].networks:
            return np.ones((len(self.members), len(jets)))
        return np.stack(list(self._per_member(flavour, jets, normalised)))

    def _per_member(self, flavour: str, jets: Jets, normalised: bool) -> Iterator[Floats]:
        made_by, features = None, torch.empty(0)
        for member in self.members:
            if made_by is None or not _same_features(made_by, member, flavour):
                made_by, features = member, member.features(flavour, jets)
            yield member.of_features(flavour, features, jets, normalised=normalised)

    def _beyond(self, jets: Jets, index: Ints) -> tuple[Bools]:
        beyond = np.zeros(len(jets), np.bool_)
        for number, flavour in enumerate(self.hadron_flavours):
            limits = self.members[0].limits.get(flavour)
            if limits is not None:
                chosen = np.flatnonzero(index == number)
                beyond[chosen] = limits.is_beyond(jets[chosen])
        return (beyond,)

    def _estimate(self, jets: Jets, index: Ints) -> Floats:
        needed = set(next(iter(self.members[0].scalings.values())).names) - {"pt", "abseta", "discriminant"}
        if needed != set(jets.extra):
            raise ValueError(f"these scale factors take the extra inputs {sorted(needed)}, got {sorted(jets.extra)}")
        result = np.stack([np.ones(len(jets)), np.zeros(len(jets)), np.zeros(len(jets))])
        for number, flavour in enumerate(self.hadron_flavours):
            chosen = np.flatnonzero(index == number)
            if len(chosen) and flavour in self.members[0].networks:
                estimate = summarise(self.member_values(flavour, jets[chosen]))
                result[:, chosen] = np.stack(estimate)
        return result

    def _flavour_index(self, flavour: Any, codes: Any) -> Any:
        names = list(self.hadron_flavours)
        if isinstance(flavour, str):
            if flavour not in names:
                raise ValueError(f"flavour {flavour!r} is none of {names}")
            return np.full(len(codes), names.index(flavour))
        return flavour_index(codes, self.hadron_flavours, "jets")


def _checked_jets(flat: Mapping[str, Any]) -> Jets:
    extra = {name: values for name, values in flat.items() if name not in ("pt", "abseta", "discriminant")}
    for name, values in flat.items():
        if name != "discriminant" and (bad := np.count_nonzero(~np.isfinite(values))):
            raise ValueError(f"{name} is not finite for {bad} of {len(values)} jets; drop these jets")
    if not (flat["abseta"] >= 0).all():
        raise ValueError("abseta must be the absolute value of eta, got negative numbers")
    if not (flat["pt"] > 0).all():
        raise ValueError("pt must be above 0 [GeV], got other numbers")
    score = flat["discriminant"]
    valid = np.where(np.isnan(score) | (score < 0), np.float32(INVALID), score)
    return Jets(flat["pt"], flat["abseta"], valid, np.zeros(len(valid), np.int8), extra)


def summarise(values: Floats) -> Estimate:
    """Return mean, standard error of the mean and standard deviation over members, the first axis of ``values``."""
    spread = values.std(axis=0, ddof=1) if len(values) > 1 else np.full(values.shape[1:], np.nan)
    return Estimate(values.mean(axis=0), spread / np.sqrt(len(values)), spread)


def _same_features(one: MemberScaleFactor, other: MemberScaleFactor, flavour: str) -> bool:
    limits, others = one.limits.get(flavour), other.limits.get(flavour)
    if (limits is None) != (others is None):
        return False
    same_limits = limits is None or others is None or limits.to_json() == others.to_json()
    return same_limits and one.scalings[flavour].to_json() == other.scalings[flavour].to_json()


def normalised(member: MemberScaleFactor, measurement: Measurement) -> MemberScaleFactor:
    """Return the member with limits of the score, and divisors that make its mean one per (pT, |eta|) bin."""
    member = replace(member, limits=measurement.score_limits())
    divisors = measurement.smooth_normalisations(partial(member.evaluate, normalised=False))
    return replace(member, normalisation=divisors)


def save_member(path: Path, member: MemberScaleFactor, hadron_flavours: Mapping[str, tuple[int, ...]]) -> None:
    """Write one member in the ensemble's file format."""
    _write(path, (member,), hadron_flavours)


def load_member(path: Path, precision: Precision = "fp32") -> MemberScaleFactor:
    """Return the only member of a file.

    Raises
    ------
    ValueError
        If it holds several members.
    """
    members = EnsembleScaleFactor.load(path, precision).members
    if len(members) != 1:
        raise ValueError(f"{path}: holds {len(members)} members, not one; load it as an ensemble")
    return members[0]


def _write(
    path: Path, members: Sequence[MemberScaleFactor], hadron_flavours: Mapping[str, tuple[int, ...]], **about: str
) -> None:
    descriptions = [
        {
            "scalings": {f: s.to_json() for f, s in member.scalings.items()},
            "normalisation": {f: t.to_json() for f, t in member.normalisation.items()},
            "limits": {f: limits.to_json() for f, limits in member.limits.items()},
        }
        for member in members
    ]
    header = {
        "format": _FORMAT,
        **about,
        "architecture": vars(members[0].architecture),
        "measured": list(members[0].networks),
        "hadron_flavours": {f: list(codes) for f, codes in hadron_flavours.items()},
        "members": descriptions,
    }
    tensor_files.write(path, header, tensor_files.weights_of(_by_name(members)))


def _by_name(members: Sequence[MemberScaleFactor]) -> dict[str, DenseNetwork]:
    return {f"{number}/{f}": network for number, member in enumerate(members) for f, network in member.networks.items()}


def _ensemble(header: Header, tensors: Tensors, precision: Precision) -> EnsembleScaleFactor:
    architecture, measured = Architecture(**header["architecture"]), header["measured"]
    hadron_flavours = {f: tuple(codes) for f, codes in header["hadron_flavours"].items()}
    for what, named in (("members", header["members"]), ("measured flavours", measured)):
        if not named:
            raise ValueError(f"it holds no {what}")
    if unknown := set(measured) - hadron_flavours.keys():
        raise ValueError(f"it has no hadron flavours of {', '.join(sorted(unknown))}")
    codes = [code for codes in hadron_flavours.values() for code in codes]
    if len(codes) != len(set(codes)) or any(type(code) is not int for code in codes):
        raise ValueError(f"its hadron flavours are {codes}, not whole numbers that belong to one flavour each")
    tensor_files.check_sizes({"layers": architecture.layers, "units": architecture.units}, tensors)
    members = tensor_files.with_weights(
        lambda: tuple(_member(stored, architecture, measured, precision) for stored in header["members"]),
        _by_name,
        tensors,
    )
    inputs = {scaling.names for member in members for scaling in member.scalings.values()}
    if len(inputs) != 1:
        raise ValueError(f"its networks have different inputs: {sorted(inputs)}")
    return EnsembleScaleFactor(members, hadron_flavours)


def _member(
    stored: Mapping[str, Any], architecture: Architecture, measured: Sequence[str], precision: Precision
) -> MemberScaleFactor:
    """Return a member whose networks still lack their weights."""
    scalings = {f: InputScaling.from_json(s) for f, s in stored["scalings"].items()}
    tables = {f: SmoothNormalisation.from_json(t) for f, t in stored["normalisation"].items()}
    networks = {
        flavour: DenseNetwork(
            scalings[flavour].n_inputs,
            layers=architecture.layers,
            units=architecture.units,
            generator=torch.Generator(),
            precision=precision,
        )
        for flavour in measured
    }
    limits = {f: ScoreLimits.from_json(stored_limits) for f, stored_limits in stored["limits"].items()}
    return MemberScaleFactor(architecture, scalings, networks, tables, limits)


def _at_least_1d(value: Any) -> Any:
    return value if isinstance(value, ak.Array) else np.atleast_1d(value)


def _restructure(values: Floats, like: ak.Array) -> ak.Array:
    """Return flat values with the nesting of ``like``."""
    remaining = iter([values])
    return cast(
        ak.Array,
        ak.transform(
            lambda layout, **_: ak.contents.NumpyArray(next(remaining)) if layout.is_numpy else None, ak.to_packed(like)
        ),
    )


def scale_factor(log_sf: torch.Tensor, log_sf_max: float) -> torch.Tensor:
    """Return S = exp(network output clipped to +-``log_sf_max``): positive, and 1 for a network of zero output."""
    return torch.exp(log_sf.clamp(-log_sf_max, log_sf_max))
