"""One member of the ensemble: all discriminators and scale-factor networks, trained together.

Order (``interleaved``): discriminators alone for ``warmup_passes``; then a step of every discriminator and of every
scale-factor network in turn, with one cosine decay of the learning rate; omega and kappa are refreshed once a pass.
``talk``: the discriminators to convergence, one batch of the scale-factor networks, repeat.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from analysis.binned import EventBootstrap
from analysis.config.events import EventWeight, Region
from analysis.config.methods import Training
from analysis.nets.dense import DenseNetwork
from analysis.tables import Floats, RegionEntries
from analysis.training.inputs import InputScaling
from analysis.training.losses import bounded_logit, discriminator_loss, scale_factor, scale_factor_loss, target
from analysis.training.regions import Batches, Features, TrainingRegion, split_by_event

Precision = Literal["fp32", "bf16"]
_VALIDATION_MAX = 50_000
"""Entries of a kind and region at which validation losses are taken: they are looked at, never trained on."""


class Progress(NamedTuple):
    """Where a training is; ``losses`` by network name."""

    step: int
    n_steps: int
    losses: dict[str, float]


@dataclass
class History:
    """What was recorded once a pass, lists of equal length by name; written beside the weights."""

    columns: dict[str, list[float]] = field(default_factory=dict)

    def add(self, **values: float) -> None:
        """Append one value to each named column."""
        for name, value in values.items():
            self.columns.setdefault(name, []).append(float(value))


class NonFiniteLossError(FloatingPointError):
    """A loss became NaN or infinite; the message names network, step and the ranges of what went in."""


@dataclass(frozen=True)
class TrainedMember:
    """The scale-factor networks of one member by flavour, the scaling of their inputs, and the training's record."""

    networks: dict[str, DenseNetwork]
    scalings: dict[str, InputScaling]
    history: History


def train_member(
    entries: dict[str, RegionEntries],
    definitions: Mapping[str, Region],
    *,
    flavours: tuple[str, ...],
    measured: tuple[str, ...],
    settings: Training,
    event_weight: EventWeight,
    precision: Precision,
    seed: np.random.SeedSequence,
    report: Callable[[Progress], None] = lambda _: None,
) -> TrainedMember:
    """Train one member; the result depends on the arguments alone.

    Raises
    ------
    NonFiniteLossError
        If a loss is not finite.
    """
    trainer = MemberTrainer(entries, definitions, flavours, measured, settings, event_weight, precision, seed, report)
    if settings.schedule == "talk":
        trainer.run_talk()
    else:
        trainer.run_interleaved()
    return TrainedMember(trainer.sf_networks, trainer.scalings, trainer.history)


class MemberTrainer:
    """State of a training; `train_member` is the way in."""

    def __init__(
        self,
        entries: dict[str, RegionEntries],
        definitions: Mapping[str, Region],
        flavours: tuple[str, ...],
        measured: tuple[str, ...],
        settings: Training,
        event_weight: EventWeight,
        precision: Precision,
        seed: np.random.SeedSequence,
        report: Callable[[Progress], None],
    ) -> None:
        # sorted: the order of keys in a configuration must not change a result
        self.settings, self.measured, self._report = settings, tuple(sorted(measured)), report
        self._index = {flavour: flavours.index(flavour) for flavour in measured}
        split_seed, bootstrap_seed, network_seed, batch_seed = seed.spawn(4)
        used = {n: entries[n] for n, d in sorted(definitions.items()) if d.enriched_flavour in measured}
        held_out = split_by_event(used, settings.validation_fraction, np.random.default_rng(split_seed))
        factors = (
            EventBootstrap(used).draw(np.random.default_rng(bootstrap_seed)) if settings.resample == "bootstrap" else {}
        )
        inputs, probes = dict(sorted(settings.inputs.items())), [e.simulation.probe for e in used.values()]
        # each flavour's networks see the jets of their own region at zero mean and unit width
        self.scalings = {
            definitions[name].enriched_flavour: InputScaling.fit(inputs, probes, used[name].simulation.probe)
            for name in used
        }
        by_number = {self._index[flavour]: scaling for flavour, scaling in self.scalings.items()}
        self.regions = {
            definitions[name].enriched_flavour: TrainingRegion(
                name,
                self._index[definitions[name].enriched_flavour],
                used[name],
                by_number,
                event_weight,
                held_out[name],
                factors.get(name),
            )
            for name in used
        }
        initial = torch.Generator().manual_seed(_torch_seed(network_seed))
        self.sf_networks = {f: self._network(initial, precision) for f in self.measured}
        self.discriminators = {f: self._network(initial, precision) for f in self.measured}
        self._optimisers = {
            id(net): torch.optim.Adam(
                net.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay, fused=True
            )
            for net in (*self.sf_networks.values(), *self.discriminators.values())
        }
        batches = torch.Generator().manual_seed(_torch_seed(batch_seed))
        half = settings.batch_size // 2
        self._batches = {
            f: (
                Batches(region.train[0], half, batches),
                Batches(region.train[1], half, batches),
                Batches(region.train_of_enriched(), settings.batch_size, batches),
            )
            for f, region in self.regions.items()
        }
        self.history = History()

    def _network(self, generator: torch.Generator, precision: Precision) -> DenseNetwork:
        return DenseNetwork(
            len(self.settings.inputs) + 1,
            layers=self.settings.layers,
            units=self.settings.units,
            zero_output=True,
            generator=generator,
            precision=precision,
        )

    # --- schedules

    @property
    def steps_per_pass(self) -> int:
        """Discriminator steps that see the data once, averaged over the regions."""
        mean = np.mean([region.n_train_data for region in self.regions.values()])
        return max(1, round(float(mean) / (self.settings.batch_size // 2)))

    def run_interleaved(self) -> None:
        """Warm up the discriminators, then step all networks in turn."""
        every = self.steps_per_pass
        n_warmup = math.ceil(self.settings.warmup_passes * every)
        n_steps = math.ceil(self.settings.passes * every)
        for step in range(n_warmup):
            losses = self._discriminator_steps(min(1.0, (step + 1) / 50))
            self._report(Progress(step + 1, n_warmup + n_steps, losses))
        seen: list[dict[str, float]] = []
        for step in range(n_steps):
            if step % every == 0 and step:
                self._end_of_pass(seen)
                seen = []
            factor = learning_rate_factor(step, n_steps, self.settings)
            losses = self._discriminator_steps(factor) | self._scale_factor_steps(factor)
            seen.append(losses)
            self._report(Progress(n_warmup + step + 1, n_warmup + n_steps, losses))
        self._end_of_pass(seen)

    def run_talk(self) -> None:
        """Train the discriminators until their validation loss stands still, step the scale factors once, repeat."""
        n_steps = self.settings.scale_factor_steps
        every = max(1, n_steps // 20)
        seen: list[dict[str, float]] = []
        for step in range(n_steps):
            factor = learning_rate_factor(step, n_steps, self.settings)
            losses = self._converge_discriminators(factor) | self._scale_factor_steps(factor)
            seen.append(losses)
            if (step + 1) % every == 0 or step + 1 == n_steps:
                self._end_of_pass(seen)
                seen = []
            self._report(Progress(step + 1, n_steps, losses))

    def _converge_discriminators(self, factor: float) -> dict[str, float]:
        best, waited, losses = math.inf, 0, {}
        for step in range(1, self.settings.max_discriminator_steps + 1):
            losses = self._discriminator_steps(factor)
            if step % self.settings.convergence_interval:
                continue
            with torch.no_grad():
                now = sum(float(self._validation_discriminator_loss(f)) for f in self.measured)
            best, waited = (now, 0) if now < best else (best, waited + 1)
            if waited >= self.settings.convergence_patience:
                break
        return losses

    # --- steps

    def _discriminator_steps(self, factor: float) -> dict[str, float]:
        losses = {}
        for flavour in self.measured:
            data_batches, simulation_batches, _ = self._batches[flavour]
            data, simulation = next(data_batches), next(simulation_batches)
            loss = self._discriminator_loss(flavour, data, simulation)
            self._step(self.discriminators[flavour], loss, factor, f"discriminator of {flavour}", flavour, simulation)
            losses[f"discriminator_{flavour}"] = float(loss.detach())
        return losses

    def _scale_factor_steps(self, factor: float) -> dict[str, float]:
        losses = {}
        for flavour in self.measured:
            batch = next(self._batches[flavour][2])
            loss, _ = self._scale_factor_loss(flavour, batch)
            self._step(self.sf_networks[flavour], loss, factor, f"scale factor of {flavour}", flavour, batch)
            losses[f"scale_factor_{flavour}"] = float(loss.detach())
        return losses

    def _discriminator_loss(self, flavour: str, data: torch.Tensor, simulation: torch.Tensor) -> torch.Tensor:
        region, net = self.regions[flavour], self.discriminators[flavour]
        features = {number: values[simulation] for number, values in region.simulation.items()}
        # the batches' sums must compare as those of the whole samples: classes are never rebalanced
        in_batch = (len(region.train[1]) / len(region.train[0])) * (len(data) / len(simulation))
        output = net(torch.cat([region.data[data], features[region.enriched]]))
        logits = bounded_logit(output, self.settings.log_target_max)
        kinds = region.flavour[simulation]
        return discriminator_loss(
            logits[: len(data)],
            region.data_weight[data],
            logits[len(data) :],
            region.weight[simulation] * in_batch,
            kinds == region.enriched,
            self._own_scale_factor(features, kinds, exclude=flavour),
        )

    def _scale_factor_loss(self, flavour: str, batch: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        region = self.regions[flavour]
        features = region.simulation[region.enriched][batch]
        logit = bounded_logit(self.discriminators[flavour].predict(features), self.settings.log_target_max)
        sf = scale_factor(self.sf_networks[flavour](features), self.settings.log_sf_max)
        importance = region.purity[batch] ** self.settings.purity_power * region.importance[batch]
        return scale_factor_loss(sf, target(logit), importance), sf

    def _own_scale_factor(self, features: Features, kinds: torch.Tensor, exclude: str | None) -> torch.Tensor:
        """Return S of each jet's own flavour, 1 for unmeasured ones and for ``exclude``; no gradient."""
        sf = torch.ones(len(kinds))
        for flavour in self.measured:
            chosen = torch.nonzero(kinds == self._index[flavour])[:, 0]
            if flavour != exclude and len(chosen):
                sf[chosen] = scale_factor(
                    self.sf_networks[flavour].predict(features[self._index[flavour]][chosen]), self.settings.log_sf_max
                )
        return sf

    def _step(
        self, net: DenseNetwork, loss: torch.Tensor, factor: float, name: str, flavour: str, batch: torch.Tensor
    ) -> None:
        if not torch.isfinite(loss):
            raise NonFiniteLossError(self._explain(float(loss.detach()), name, flavour, batch))
        optimiser = self._optimisers[id(net)]
        for group in optimiser.param_groups:
            group["lr"] = self.settings.learning_rate * factor
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()

    def _explain(self, loss: float, name: str, flavour: str, batch: torch.Tensor) -> str:
        region = self.regions[flavour]
        features, weight = region.simulation[region.enriched][batch], region.weight[batch]
        columns = (*self.scalings[flavour].names, "is_invalid")
        ranges = ", ".join(
            f"{column} [{features[:, i].min():.3g}, {features[:, i].max():.3g}]" for i, column in enumerate(columns)
        )
        passes = len(self.history.columns.get("pass", []))
        return (
            f"the loss of the {name} is {loss} in region {region.name}, after {passes} complete passes, on simulated "
            f"entries {batch[:3].tolist()} ... ({len(batch)}): scaled inputs {ranges}, weights [{weight.min():.3g}, "
            f"{weight.max():.3g}]; look for outliers there, or lower training.learning_rate"
        )

    # --- once a pass

    def _end_of_pass(self, seen: list[dict[str, float]]) -> None:
        record = {f"train_{name}": float(np.mean([losses[name] for losses in seen])) for name in seen[0]}
        before = {flavour: region.kappa for flavour, region in self.regions.items()}
        for region in self.regions.values():
            region.refresh(self._tag_scale_factor)
        with torch.no_grad():
            for flavour in self.measured:
                region = self.regions[flavour]
                record[f"validation_discriminator_{flavour}"] = float(self._validation_discriminator_loss(flavour))
                loss, sf = self._scale_factor_loss(flavour, region.validation_of_enriched()[:_VALIDATION_MAX])
                record[f"validation_scale_factor_{flavour}"] = float(loss)
                record[f"sf_min_{flavour}"], record[f"sf_max_{flavour}"] = float(sf.min()), float(sf.max())
                record[f"kappa_change_{flavour}"] = float(np.abs(region.kappa - before[flavour]).max())
        rate = self._optimisers[id(self.sf_networks[self.measured[0]])].param_groups[0]["lr"]
        self.history.add(**{"pass": len(self.history.columns.get("pass", [])) + 1}, learning_rate=rate, **record)

    def _validation_discriminator_loss(self, flavour: str) -> torch.Tensor:
        data, simulation = (indices[:_VALIDATION_MAX] for indices in self.regions[flavour].validation)
        return self._discriminator_loss(flavour, data, simulation)

    def _tag_scale_factor(self, features: Features, kinds: npt.NDArray[np.int8]) -> Floats:
        return self._own_scale_factor(features, torch.from_numpy(kinds.astype(np.int64)), exclude=None).double().numpy()


def learning_rate_factor(step: int, n_steps: int, settings: Training) -> float:
    """Return the learning rate at a step over its highest: linear rise, then a cosine to ``learning_rate_final``."""
    n_rise = settings.learning_rate_warmup * n_steps
    if step < n_rise:
        return (step + 1) / max(n_rise, 1.0)
    phase = (step - n_rise) / max(n_steps - n_rise, 1.0)
    final = settings.learning_rate_final
    return final + (1 - final) * 0.5 * (1 + math.cos(math.pi * phase))


def member_seed(seed: int, member: int) -> np.random.SeedSequence:
    """Return the seed of a member: named by the ensemble's seed and the member's number, nothing else."""
    return np.random.SeedSequence([seed, 0x6D656D, member])


def _torch_seed(seed: np.random.SeedSequence) -> int:
    return int(seed.generate_state(1, np.uint64)[0] >> np.uint64(1))


def json_history(history: History) -> dict[str, Any]:
    """Return the record as plain lists."""
    return dict(sorted(history.columns.items()))
