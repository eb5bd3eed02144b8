"""One member of the ensemble: all discriminators and scale-factor networks, trained together."""

from __future__ import annotations

import math
from typing import cast

import numpy as np
import torch

from deepsf.adversarial.losses import bounded_logit, discriminator_loss, scale_factor_loss, target
from deepsf.adversarial.regions import Batches, Features, training_regions
from deepsf.arrays import Floats
from deepsf.config.training import Training
from deepsf.networks.cpu import Precision
from deepsf.networks.dense import DenseNetwork
from deepsf.networks.scale_factor import MemberScaleFactor, scale_factor
from deepsf.probes.entries import Flavours
from deepsf.probes.measurement import Measurement
from deepsf.seeds import part_of, torch_generator
from deepsf.training.checkpoint import State
from deepsf.training.engine import VALIDATION_MAX, Learner, Trainer
from deepsf.training.schedule import Schedule


class MemberTrainer(Trainer):
    """The networks of one member and everything that their training changes; the result depends on the arguments alone.

    Parameters
    ----------
    measurement
        Its regions that enrich a measured flavour are used.
    settings
        Its ``precision`` must be resolved.
    start
        Scale factors to start from, for what differs from them by little. Discriminators start from them as well: their
        logit is log S where data have been learnt.

    Raises
    ------
    ValueError
        If the precision is not resolved.
    """

    def __init__(
        self,
        measurement: Measurement,
        settings: Training,
        seed: np.random.SeedSequence,
        start: MemberScaleFactor | None = None,
    ) -> None:
        if settings.precision == "auto":
            raise ValueError("training.precision is auto: resolve it to fp32 or bf16 first, once for all members")
        # sorted: the order of keys in a configuration must not change a result
        self.settings, self.measured = settings, tuple(sorted(measurement.measured))
        self._index = {flavour: measurement.index(flavour) for flavour in self.measured}
        self.regions = training_regions(measurement, settings, seed, None if start is None else start.scalings)
        self.scalings = {flavour: region.scaling for flavour, region in self.regions.items()}
        self.sf_networks, self.discriminators = (
            {f: self._network(f, torch_generator(part_of(seed, "initial weights", kind, f))) for f in self.measured}
            for kind in ("scale factor", "discriminator")
        )
        if start is not None:
            for networks_of in (self.sf_networks, self.discriminators):
                for flavour, network in networks_of.items():
                    network.load_state_dict(start.networks[flavour].state_dict())
            for region in self.regions.values():
                region.refresh(self._tag_scale_factor)
        self._schedule = Schedule.of(settings, float(np.mean([r.n_train_data for r in self.regions.values()])))
        networks = {f"scale_factor_{flavour}": network for flavour, network in self.sf_networks.items()}
        networks |= {f"discriminator_{flavour}": network for flavour, network in self.discriminators.items()}
        super().__init__({name: self._learner(network) for name, network in networks.items()}, self._schedule.n_steps)
        half, drawn = settings.batch_size // 2, dict[str, tuple[torch.Tensor, int]]()
        for flavour, region in self.regions.items():
            drawn |= {f"data_{flavour}": (region.train[0], half), f"simulation_{flavour}": (region.train[1], half)}
            drawn[f"enriched_{flavour}"] = region.train_of_enriched(), settings.batch_size
        self._batches = {
            name: Batches(*of_kind, torch_generator(part_of(seed, "batches", name))) for name, of_kind in drawn.items()
        }
        self._seen: list[dict[str, float]] = []

    def _network(self, flavour: str, generator: torch.Generator) -> DenseNetwork:
        settings, region = self.settings, self.regions[flavour]
        network = DenseNetwork(
            region.scaling.n_inputs,
            layers=settings.layers,
            units=settings.units,
            zero_output=True,
            generator=generator,
            precision=cast(Precision, settings.precision),
        )
        network.start_at(region.simulation[region.enriched][region.train[1]], generator, region.scaling.score_column)
        return network

    def _learner(self, network: DenseNetwork) -> Learner:
        rate, decay = self.settings.learning_rate, self.settings.weight_decay
        return Learner(network, torch.optim.Adam(network.parameters(), lr=rate, weight_decay=decay, fused=True))

    def _tensors(self) -> dict[str, torch.Tensor]:
        regions = {}
        for flavour, region in self.regions.items():
            regions[f"region_{flavour}/weight"] = region.weight
            regions[f"region_{flavour}/kappa"] = torch.from_numpy(region.kappa)
        return super()._tensors() | regions

    def _place(self) -> State:
        generators = {f"batches_{name}": batches.drawn_from for name, batches in self._batches.items()}
        positions = {name: batches.position for name, batches in self._batches.items()}
        return State(generators, {"positions": positions, "seen": self._seen})

    def _go_to(self, state: State) -> None:
        for name, batches in self._batches.items():
            batches.restore(state.tensors[f"batches_{name}"], state.numbers["positions"][name])
        self._seen = state.numbers["seen"]

    # --- steps

    def next_step(self) -> dict[str, float]:
        """Take a step of the schedule, of some or all networks, and return their losses; see `run`."""
        factor = self._schedule.rate_factor(self.step, self.settings)
        if self._schedule.begins_last(self.step):
            for flavour in self.measured:
                self.learners[f"scale_factor_{flavour}"].forget()
        if self._schedule.is_warmup(self.step):
            losses = self._discriminator_steps(factor)
        elif self._schedule.is_last(self.step):
            losses = self._scale_factor_steps(factor)
            self._seen.append(losses)
        else:
            alternates = self.settings.schedule == "alternating"
            losses = self._converge_discriminators(factor) if alternates else self._discriminator_steps(factor)
            losses |= self._scale_factor_steps(factor)
            self._seen.append(losses)
        if self._schedule.ends_pass(self.step):
            self._end_of_pass()
        self.step += 1
        return losses

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

    def _discriminator_steps(self, factor: float) -> dict[str, float]:
        losses: dict[str, float] = {}
        for flavour in self.measured:
            data, simulation = next(self._batches[f"data_{flavour}"]), next(self._batches[f"simulation_{flavour}"])
            loss = self._discriminator_loss(flavour, data, simulation)
            losses |= self._step("discriminator", flavour, loss, factor, simulation)
        return losses

    def _scale_factor_steps(self, factor: float) -> dict[str, float]:
        losses: dict[str, float] = {}
        for flavour in self.measured:
            batch = next(self._batches[f"enriched_{flavour}"])
            loss, *_ = self._scale_factor_loss(flavour, batch)
            losses |= self._step("scale_factor", flavour, loss, factor, batch)
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

    def _scale_factor_loss(self, flavour: str, batch: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return the loss, S and the logit whose exponential is its target, at simulated entries of the flavour."""
        region = self.regions[flavour]
        features = region.simulation[region.enriched][batch]
        logit = bounded_logit(self.discriminators[flavour].predict(features), self.settings.log_target_max)
        sf = scale_factor(self.sf_networks[flavour](features), self.settings.log_sf_max)
        importance = region.purity[batch] ** self.settings.purity_power * region.importance[batch]
        return scale_factor_loss(sf, target(logit), importance), sf, logit

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
        self, kind: str, flavour: str, loss: torch.Tensor, factor: float, batch: torch.Tensor
    ) -> dict[str, float]:
        """Step the network that the loss belongs to; return the loss by its name."""
        name = f"{kind}_{flavour}"
        words, rate = f"{kind.replace('_', ' ')} of {flavour}", self.settings.learning_rate * factor
        value = self.learners[name].step(loss, rate, lambda value: self._explain(value, words, flavour, batch))
        return {name: value}

    def _explain(self, loss: float, name: str, flavour: str, batch: torch.Tensor) -> str:
        region = self.regions[flavour]
        features, weight = region.simulation[region.enriched][batch], region.weight[batch]
        columns = self.scalings[flavour].columns
        ranges = ", ".join(
            f"{column} [{features[:, i].min():.3g}, {features[:, i].max():.3g}]" for i, column in enumerate(columns)
        )
        return (
            f"the loss of the {name} is {loss} in region {region.name}, after {self.history.n_passes} complete passes, "
            f"on simulated entries {batch[:3].tolist()} ... ({len(batch)}): scaled inputs {ranges}, weights "
            f"[{weight.min():.3g}, {weight.max():.3g}]; look for outliers there, or lower training.learning_rate"
        )

    # --- once a pass

    def _end_of_pass(self) -> None:
        record = {f"train_{name}": float(np.mean([losses[name] for losses in self._seen])) for name in self._seen[0]}
        self._seen = []
        if self._schedule.is_last(self.step):
            # discriminators rest, and with them their losses; the weights have no more use
            record = {name: values[-1] for name, values in self.history.columns.items()} | record
        else:
            record |= self._refreshed()
        with torch.no_grad():
            for flavour in self.measured:
                record |= self._scale_factor_record(flavour)
        record["learning_rate"] = self.learners[f"scale_factor_{self.measured[0]}"].learning_rate
        self.history.add(**record | {"pass": self.history.n_passes + 1})

    def _refreshed(self) -> dict[str, float]:
        """Give all regions the weights of the present scale factors; return how kappa changes, and losses there."""
        record = {}
        for flavour, region in self.regions.items():
            before = region.kappa
            region.refresh(self._tag_scale_factor)
            record[f"kappa_change_{flavour}"] = float(np.abs(region.kappa - before).max())
        with torch.no_grad():
            for flavour in self.measured:
                record[f"validation_discriminator_{flavour}"] = float(self._validation_discriminator_loss(flavour))
        return record

    def _scale_factor_record(self, flavour: str) -> dict[str, float]:
        """Return what `deepsf.training.convergence` and figures need of S and its target, at validation jets."""
        batch = self.regions[flavour].validation_of_enriched()[:VALIDATION_MAX]
        loss, sf, logit = self._scale_factor_loss(flavour, batch)
        return {
            f"validation_scale_factor_{flavour}": float(loss),
            f"lag_scale_factor_{flavour}": math.sqrt(float(loss)),
            f"sf_min_{flavour}": float(sf.min()),
            f"sf_max_{flavour}": float(sf.max()),
            f"spread_scale_factor_{flavour}": float(sf.log().std()),
            f"spread_discriminator_{flavour}": float(logit.std()),
        }

    def _validation_discriminator_loss(self, flavour: str) -> torch.Tensor:
        data, simulation = (indices[:VALIDATION_MAX] for indices in self.regions[flavour].validation)
        return self._discriminator_loss(flavour, data, simulation)

    def _tag_scale_factor(self, features: Features, kinds: Flavours) -> Floats:
        return self._own_scale_factor(features, torch.from_numpy(kinds.astype(np.int64)), exclude=None).double().numpy()
