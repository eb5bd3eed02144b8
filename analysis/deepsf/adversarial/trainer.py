"""One member of the ensemble: all discriminators and scale-factor networks, trained together."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt
import torch

from deepsf.adversarial.losses import bounded_logit, discriminator_loss, scale_factor_loss, target
from deepsf.adversarial.regions import Batches, Features, training_regions
from deepsf.config.flavours import Flavour, measured_flavours
from deepsf.config.regions import Region
from deepsf.config.training import Training
from deepsf.config.weights import EventWeight
from deepsf.networks.cpu import Precision
from deepsf.networks.dense import DenseNetwork
from deepsf.networks.scale_factor import scale_factor
from deepsf.probes.entries import Floats, RegionEntries
from deepsf.seeds import torch_generator
from deepsf.training.checkpoint import Checkpoint, State
from deepsf.training.history import History, Progress
from deepsf.training.schedule import Schedule

_VALIDATION_MAX = 50_000
"""Entries of a kind and region at which validation losses are taken: they are looked at, never trained on."""


class NonFiniteLossError(FloatingPointError):
    """A loss became NaN or infinite; the message names network, step and the ranges of what went in."""


class MemberTrainer:
    """The networks of one member and everything that their training changes; the result depends on the arguments alone.

    Parameters
    ----------
    entries, definitions
        The regions by name; those that enrich a measured flavour are used.
    flavours
        All flavours in the order of the entries' flavour index.
    settings
        Its ``precision`` must be resolved.

    Raises
    ------
    ValueError
        If the precision is not resolved.
    """

    def __init__(
        self,
        entries: Mapping[str, RegionEntries],
        definitions: Mapping[str, Region],
        flavours: Mapping[str, Flavour],
        settings: Training,
        event_weight: EventWeight,
        seed: np.random.SeedSequence,
    ) -> None:
        if settings.precision == "auto":
            raise ValueError("training.precision is auto: resolve it to fp32 or bf16 first, once for all members")
        # sorted: the order of keys in a configuration must not change a result
        self.settings, self.measured = settings, tuple(sorted(measured_flavours(flavours)))
        self._index = {flavour: list(flavours).index(flavour) for flavour in self.measured}
        split_seed, bootstrap_seed, network_seed, batch_seed = seed.spawn(4)
        self.regions = training_regions(
            entries, definitions, self._index, settings, event_weight, split_seed, bootstrap_seed
        )
        self.scalings = {flavour: region.scaling for flavour, region in self.regions.items()}
        initial = torch_generator(network_seed)
        self.sf_networks = {f: self._network(initial, settings.precision) for f in self.measured}
        self.discriminators = {f: self._network(initial, settings.precision) for f in self.measured}
        self._optimisers = {
            name: _adam(network, settings.learning_rate, settings.weight_decay)
            for name, network in self._networks().items()
        }
        self._generator = torch_generator(batch_seed)
        half = settings.batch_size // 2
        self._batches: dict[str, Batches] = {}
        for flavour, region in self.regions.items():
            self._batches |= {
                f"data_{flavour}": Batches(region.train[0], half, self._generator),
                f"simulation_{flavour}": Batches(region.train[1], half, self._generator),
                f"enriched_{flavour}": Batches(region.train_of_enriched(), settings.batch_size, self._generator),
            }
        self.step, self._seen = 0, list[dict[str, float]]()
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

    def _networks(self) -> dict[str, DenseNetwork]:
        """Return all networks by the name of their loss."""
        return {
            **{f"scale_factor_{flavour}": network for flavour, network in self.sf_networks.items()},
            **{f"discriminator_{flavour}": network for flavour, network in self.discriminators.items()},
        }

    # --- the training, and its state

    def run(self, report: Callable[[Progress], None] = lambda _: None, checkpoint: Checkpoint | None = None) -> None:
        """Train to the end: from the beginning, or from the checkpoint if it holds a state of this training.

        Raises
        ------
        NonFiniteLossError
            If a loss is not finite.
        """
        n_data = float(np.mean([region.n_train_data for region in self.regions.values()]))
        schedule = Schedule.of(self.settings, n_data)
        if checkpoint is not None and (saved := checkpoint.load(like=self.state())) is not None:
            self.restore(saved)
            checkpoint.tell(f"continues at step {self.step} of {schedule.n_steps}")
        while self.step < schedule.n_steps:
            losses = self._next_step(schedule)
            if checkpoint is not None and checkpoint.due():
                checkpoint.save(self.state())
            report(Progress(self.step, schedule.n_steps, losses))

    def _next_step(self, schedule: Schedule) -> dict[str, float]:
        factor = schedule.rate_factor(self.step, self.settings)
        if schedule.is_warmup(self.step):
            losses = self._discriminator_steps(factor)
        else:
            alternates = self.settings.schedule == "alternating"
            losses = self._converge_discriminators(factor) if alternates else self._discriminator_steps(factor)
            losses |= self._scale_factor_steps(factor)
            self._seen.append(losses)
        if schedule.ends_pass(self.step):
            self._end_of_pass()
        self.step += 1
        return losses

    def state(self) -> State:
        """Return all that steps change; tensors are those in use and not copies, so the next step changes them."""
        generators = {f"batches_{name}": batches.drawn_from for name, batches in self._batches.items()}
        numbers = {
            "step": self.step,
            "positions": {name: batches.position for name, batches in self._batches.items()},
            "seen": self._seen,
            "history": self.history.columns,
        }
        return State(self._tensors() | generators | {"generator": self._generator.get_state()}, numbers)

    def restore(self, state: State) -> None:
        """Go to a state of this training."""
        tensors, numbers = state
        for name, tensor in self._tensors().items():
            tensor.copy_(tensors[name])
        for name, batches in self._batches.items():
            batches.restore(tensors[f"batches_{name}"], numbers["positions"][name])
        self._generator.set_state(tensors["generator"])
        self.step, self._seen, self.history = numbers["step"], numbers["seen"], History(numbers["history"])

    def _tensors(self) -> dict[str, torch.Tensor]:
        """Return the numbers behind weights, optimisers and regions, not copied."""
        tensors = {}
        for name, network in self._networks().items():
            for key, parameter in network.named_parameters():
                tensors[f"{name}/{key}"] = parameter.detach()
                moments = self._optimisers[name].state[parameter]
                tensors |= {f"{name}/{key}/{moment}": value for moment, value in moments.items()}
        for flavour, region in self.regions.items():
            tensors[f"region_{flavour}/weight"] = region.weight
            tensors[f"region_{flavour}/kappa"] = torch.from_numpy(region.kappa)
        return tensors

    # --- steps

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
            loss, _ = self._scale_factor_loss(flavour, batch)
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
        self, kind: str, flavour: str, loss: torch.Tensor, factor: float, batch: torch.Tensor
    ) -> dict[str, float]:
        """Step the network that the loss belongs to; return the loss by its name."""
        value, name = float(loss.detach()), f"{kind}_{flavour}"
        if not math.isfinite(value):
            raise NonFiniteLossError(self._explain(value, f"{kind.replace('_', ' ')} of {flavour}", flavour, batch))
        optimiser = self._optimisers[name]
        for group in optimiser.param_groups:
            group["lr"] = self.settings.learning_rate * factor
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        return {name: value}

    def _explain(self, loss: float, name: str, flavour: str, batch: torch.Tensor) -> str:
        region = self.regions[flavour]
        features, weight = region.simulation[region.enriched][batch], region.weight[batch]
        columns = (*self.scalings[flavour].names, "is_invalid")
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
        rate = self._optimisers[f"scale_factor_{self.measured[0]}"].param_groups[0]["lr"]
        self.history.add(**{"pass": self.history.n_passes + 1}, learning_rate=rate, **record)

    def _validation_discriminator_loss(self, flavour: str) -> torch.Tensor:
        data, simulation = (indices[:_VALIDATION_MAX] for indices in self.regions[flavour].validation)
        return self._discriminator_loss(flavour, data, simulation)

    def _tag_scale_factor(self, features: Features, kinds: npt.NDArray[np.int8]) -> Floats:
        return self._own_scale_factor(features, torch.from_numpy(kinds.astype(np.int64)), exclude=None).double().numpy()


def _adam(network: DenseNetwork, learning_rate: float, weight_decay: float) -> torch.optim.Adam:
    """Return the optimiser with its state made now, as the first step would make it: so that there always is one."""
    optimiser = torch.optim.Adam(network.parameters(), lr=learning_rate, weight_decay=weight_decay, fused=True)
    for parameter in network.parameters():
        zeros = torch.zeros_like(parameter), torch.zeros_like(parameter)
        optimiser.state[parameter] = {"step": torch.tensor(0.0), "exp_avg": zeros[0], "exp_avg_sq": zeros[1]}
    return optimiser


def member_seed(seed: int, member: int) -> np.random.SeedSequence:
    """Return the seed of a member: named by the ensemble's seed and the member's number, nothing else."""
    return np.random.SeedSequence([seed, 0x6D656D, member])
