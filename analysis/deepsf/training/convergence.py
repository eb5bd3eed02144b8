"""Whether a training came to something: the one criterion of tasks, results and figures.

It reads the last entries of a training's record, which are taken at jets that were not trained on:

- ``spread_<network>``, the standard deviation of the network's output (log S, or a logit). Below `DEAD_BELOW` it is a
  constant, whatever the jets, and the network is *dead* if the flavour has no closure: that is an error. Where data
  agree with a constant it may be the answer (with a true light scale factor of exactly 1, spreads were 0.0001 to 0.02),
  or data are too few to tell: it is named among those that have not converged.
- ``lag_<network>``, the root mean square of S - D/(1-D), weighted as in the loss. Above `LAG_MAX` and `LAG_FRACTION`
  of the spread of the target the scale factor *has not converged*: it is not what its discriminator says.
- ``closure_<flavour>``, chi2 per degree of freedom of the score in the region that enriches the flavour, over all jets
  (`deepsf.probes.score_closure`). Above `CLOSURE_MAX` the flavour *has not converged* either: its discriminator has
  missed what data say. That is seen best where most data are, those trained on, as nothing here is over-fitted.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

DEAD_BELOW = 1e-3
LAG_MAX, LAG_FRACTION = 5e-3, 0.07
CLOSURE_MAX = 2.5
"""Of 21 trainings on six toys of 160,000 jets a region it was 0.4 to 1.6, of small ones 0.3 to 1.3; 2.5 has p = 3e-4.

Discriminators that missed narrow features had 2.6 to 30.
"""

CLOSURE = "closure_"
_SPREAD, _LAG = "spread_", "lag_"
_KINDS = ("scale_factor", "discriminator")


class DeadNetworkError(RuntimeError):
    """A network's output is the same for all jets; the message names the network and ways out."""


def require_alive(record: Mapping[str, Sequence[float]], way_out: str) -> None:
    """Raise if a network of a training is dead.

    Raises
    ------
    DeadNetworkError
        If the spread of a network's output is not at least `DEAD_BELOW`, and data do not agree with a constant; the
        message ends with ``way_out``.
    """
    spreads = {name.removeprefix(_SPREAD): values[-1] for name, values in record.items() if name.startswith(_SPREAD)}
    dead = [
        f"{_words(name)} ({spread:.2g})"
        for name, spread in sorted(spreads.items())
        if not spread >= DEAD_BELOW and (math.isnan(spread) or not _has_closure(record, name))
    ]
    if dead:
        raise DeadNetworkError(
            f"the output of these networks is the same for all jets, with a spread below {DEAD_BELOW:g}, and not what "
            f"data say: {', '.join(dead)}; {way_out}"
        )


def _has_closure(record: Mapping[str, Sequence[float]], network: str) -> bool:
    return record[f"{CLOSURE}{_kind_and_flavour(network)[1]}"][-1] <= CLOSURE_MAX


def not_converged(record: Mapping[str, Sequence[float]]) -> list[str]:
    """Return in words which scale factors of a training are not what discriminators or data say; none if all are.

    Those that are a constant are among them, even if data agree.
    """
    return [*_constant(record), *_lagging(record), *_without_closure(record)]


def _constant(record: Mapping[str, Sequence[float]]) -> Iterator[str]:
    for name, values in sorted(record.items()):
        if name.startswith(f"{_SPREAD}scale_factor_") and not values[-1] >= DEAD_BELOW:
            flavour = name.removeprefix(f"{_SPREAD}scale_factor_")
            agree = "; data agree" if _has_closure(record, name) else ""
            yield f"scale factor of {flavour}: the same for all jets, with a spread of {values[-1]:.2g}{agree}"


def _lagging(record: Mapping[str, Sequence[float]]) -> Iterator[str]:
    for name, values in sorted(record.items()):
        if not name.startswith(_LAG):
            continue
        flavour, lag = name.removeprefix(f"{_LAG}scale_factor_"), values[-1]
        limit = max(LAG_MAX, LAG_FRACTION * record[f"{_SPREAD}discriminator_{flavour}"][-1])
        if not lag <= limit:
            yield f"scale factor of {flavour}: {lag:.2g} off its discriminator, limit {limit:.2g}"


def _without_closure(record: Mapping[str, Sequence[float]]) -> Iterator[str]:
    for name, values in sorted(record.items()):
        if name.startswith(CLOSURE) and not values[-1] <= CLOSURE_MAX:
            flavour, limit = name.removeprefix(CLOSURE), f"limit {CLOSURE_MAX:g}"
            yield f"scale factor of {flavour}: chi2/ndf {values[-1]:.2g} of the score in its region, {limit}"


def _kind_and_flavour(network: str) -> tuple[str, str]:
    """Return what a network is and whose; names of flavours may have underscores, too."""
    kind = next(kind for kind in _KINDS if network.removeprefix(_SPREAD).startswith(f"{kind}_"))
    return kind.replace("_", " "), network.removeprefix(_SPREAD).removeprefix(f"{kind}_")


def _words(name: str) -> str:
    kind, flavour = _kind_and_flavour(name)
    return f"{kind} of {flavour}"
