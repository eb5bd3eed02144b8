"""Steps of short trainings."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    passes: float = 30.0
    learning_rate: float = 0.05
    learning_rate_warmup: float = 0.1
    learning_rate_final: float = 0.01
    weight_decay: float = 0.0
    optimiser: str = "adamw"
    momentum: float = 0.9
