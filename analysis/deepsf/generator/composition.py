"""Composition of the generated events: the parameters that set the purities of the two standard regions."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields


@dataclass(frozen=True)
class Composition:
    """Composition of the generated events, found by `deepsf.generator.tuning.tune`.

    Attributes
    ----------
    ttbar_radiation_kept
        Fraction of the radiated jets that ttbar events keep.
    ttbar_b_jets_lost
        Probability that a b jet of a top decay is lost.
    zjets_b_fraction, zjets_c_fraction
        Flavour fractions of the radiated jets of Z+jets.
    purity_hf, purity_lf
        Expected fractions of b (udsg) among the probe jets of the standard heavy- (light-)flavour region in simulation.
    """

    ttbar_radiation_kept: float = 1.0
    ttbar_b_jets_lost: float = 0.0
    zjets_b_fraction: float = 0.045
    zjets_c_fraction: float = 0.085
    purity_hf: float = float("nan")
    purity_lf: float = float("nan")

    def to_json(self) -> str:
        """Return the composition as JSON text; an unknown purity is null."""
        values = {name: None if value != value else value for name, value in asdict(self).items()}
        return json.dumps(values, indent=2, allow_nan=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Composition:
        """Return the composition that `to_json` wrote.

        Raises
        ------
        ValueError
            If the text is not JSON or its keys are not those of a composition.
        """
        values = json.loads(text)
        names = [field.name for field in fields(cls)]
        if not isinstance(values, dict) or sorted(values) != sorted(names):
            raise ValueError(f"a composition has exactly the keys {names}, got {values}; run tune() again")
        return cls(**{name: float("nan") if value is None else float(value) for name, value in values.items()})
