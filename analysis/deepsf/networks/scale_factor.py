"""DeepSF scale factors for use: a member, and the ensemble with mean, standard error and spread.

>>> sf = EnsembleScaleFactor.load("ensemble.safetensors")                                     # doctest: +SKIP
>>> sf.evaluate(jets.hadronFlavour, abs(jets.eta), jets.pt, jets.btagDeepFlavB).mean  # doctest: +SKIP
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from deepsf import __version__, tensor_files
from deepsf.arrays import Bools, Floats, Ints
from deepsf.networks.cpu import Precision
from deepsf.networks.dense import DenseNetwork
from deepsf.networks.jet_arrays import at_jets
from deepsf.networks.jet_inputs import InputScaling
from deepsf.networks.replicas import relative_deviations, require_replica
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

    def inputs(self) -> dict[str, list[str]]:
        """Return the names of the inputs by flavour."""
        return {flavour: sorted(self.scalings[flavour].names) for flavour in sorted(self.networks)}

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
    bootstraps
        Fits to bootstraps by event of data and simulation, which give statistical replicas; they are no part of the
        ensemble's file.
    """

    members: tuple[MemberScaleFactor, ...]
    hadron_flavours: Mapping[str, tuple[int, ...]]
    bootstraps: tuple[MemberScaleFactor, ...] = ()

    @classmethod
    def load(
        cls, path: str | Path, precision: Precision = "fp32", *, replicas: str | Path | None = None
    ) -> EnsembleScaleFactor:
        """Return the ensemble in a file written by `save`.

        Parameters
        ----------
        precision
            ``fp32`` or ``bf16``, in which the networks are evaluated.
        replicas
            File of the repeated fits, ``refits.safetensors`` of the same campaign, if `evaluate` is to give replicas.

        Raises
        ------
        deepsf.tensor_files.TensorFileError
            If a file is not one of DeepSF.
        ValueError
            If the repeated fits measure other flavours, or have other inputs.
        """
        made = tensor_files.read(Path(path), _FORMAT, lambda header, tensors: _ensemble(header, tensors, precision))
        if replicas is None:
            return made
        bootstraps = tensor_files.read(
            Path(replicas), _FORMAT, lambda header, tensors: _bootstraps(header, tensors, precision)
        )
        own, other = (member.inputs() for member in (made.members[0], bootstraps[0]))
        if own != other:
            raise ValueError(f"{replicas}: has {other}, {path} has {own}; take both from one campaign and version")
        return replace(made, bootstraps=bootstraps)

    @property
    def further_inputs(self) -> tuple[str, ...]:
        """Names of the inputs beyond pT, |eta| and discriminant."""
        names = next(iter(self.members[0].scalings.values())).names
        return tuple(name for name in names if name not in ("pt", "abseta", "discriminant"))

    def save(self, path: Path) -> None:
        """Write weights, input scaling and normalisation to a safetensors file; equal content gives equal bytes."""
        _write(path, self.members, self.hadron_flavours, deepsf_version=__version__)

    def evaluate(
        self, flavour: Any, abseta: Any, pt: Any, discriminant: Any, *, replica: int | None = None, **extra: Any
    ) -> Estimate:
        """Return the scale factors of jets, given as numpy or awkward arrays of one structure.

        With ``replica`` they are those of a statistical replica: the mean times the ratio of one bootstrap's scale
        factor to the mean over all bootstraps. The standard deviation over replicas, of a scale factor or of any number
        that is made with it, is the statistical error with all its correlations, but for the floor of the error
        ``stat`` (`deepsf.errors.cells`). Each bootstrap is normalised as the ensemble is.

        Parameters
        ----------
        flavour
            Name of a flavour for all jets, or the hadron-flavour code (5, 4, 0) of each jet.
        abseta, pt, discriminant
            |eta|, transverse momentum [GeV] and score of the jets. Values beyond the range of the training are clipped
            to it. Jets without a valid score (negative or NaN) have a scale factor of their own.
        replica
            From 0 to one less than there are ``bootstraps``; the same number is the same replica for all jets.
        extra
            Extra inputs by name, if the networks were trained with any. Those with a limit (``invalid_below``) may be
            below it, or NaN: such jets have a scale factor of their own, too.

        Returns
        -------
        Estimate
            Mean, standard error of the mean (``sem``) and spread over members, in the structure of the input.

        Raises
        ------
        ValueError
            For a flavour that the file does not know, a negative |eta|, a missing extra input, or a replica that there
            is not.
        """
        if replica is not None:
            require_replica(replica, len(self.bootstraps))
        fields = {"pt": pt, "abseta": abseta, "discriminant": discriminant, **extra}
        estimate = partial(self._estimate, replica=replica)
        limits = next(iter(self.members[0].scalings.values())).limits
        return Estimate(*at_jets(flavour, fields, self.hadron_flavours, estimate, ("discriminant", *limits)))

    def is_extrapolated(self, flavour: Any, abseta: Any, pt: Any, discriminant: Any) -> Any:
        """Return which jets have a score at which no data determine their scale factor: it is held at a limit there.

        Parameters, structure and errors are those of `evaluate`; extra inputs do not matter.
        """
        fields = {"pt": pt, "abseta": abseta, "discriminant": discriminant}
        (beyond,) = at_jets(flavour, fields, self.hadron_flavours, self._beyond)
        return beyond

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

    def _estimate(self, jets: Jets, index: Ints, replica: int | None) -> Floats:
        needed = set(self.further_inputs)
        if needed != set(jets.extra):
            raise ValueError(f"these scale factors take the extra inputs {sorted(needed)}, got {sorted(jets.extra)}")
        result = np.stack([np.ones(len(jets)), np.zeros(len(jets)), np.zeros(len(jets))])
        for number, flavour in enumerate(self.hadron_flavours):
            chosen = np.flatnonzero(index == number)
            if len(chosen) and flavour in self.members[0].networks:
                estimate = summarise(self.member_values(flavour, jets[chosen]))
                result[:, chosen] = np.stack(estimate)
                if replica is not None:
                    deviations = relative_deviations(self.bootstraps, flavour, jets[chosen])
                    result[:, chosen] *= 1.0 + deviations[replica]
        return result


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


def save_refits(
    path: Path,
    bootstraps: Sequence[MemberScaleFactor],
    others: Sequence[MemberScaleFactor],
    hadron_flavours: Mapping[str, tuple[int, ...]],
) -> None:
    """Write repeated fits in the ensemble's file format, bootstraps first, as `EnsembleScaleFactor.load` takes them."""
    about = {"deepsf_version": __version__, "n_bootstraps": len(bootstraps)}
    _write(path, (*bootstraps, *others), hadron_flavours, **about)


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
    path: Path, members: Sequence[MemberScaleFactor], hadron_flavours: Mapping[str, tuple[int, ...]], **about: Any
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


def _bootstraps(header: Header, tensors: Tensors, precision: Precision) -> tuple[MemberScaleFactor, ...]:
    n, members = header["n_bootstraps"], _ensemble(header, tensors, precision).members
    if type(n) is not int or not 2 <= n <= len(members):
        raise ValueError(f"it holds {n} bootstraps among {len(members)} fits, 2 or more are needed")
    return members[:n]


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


def scale_factor(log_sf: torch.Tensor, log_sf_max: float) -> torch.Tensor:
    """Return S = exp(network output clipped to +-``log_sf_max``): positive, and 1 for a network of zero output."""
    return torch.exp(log_sf.clamp(-log_sf_max, log_sf_max))
