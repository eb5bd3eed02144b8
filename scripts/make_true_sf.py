"""The true scale factors that the toy campaigns inject: maker of the files in ``configs/true_sf``.

A correction of the form of the public CMS shape scale factors, ``toy_shape`` with inputs (systematic, flavor, abseta,
pt, discriminant). With a softened logit L of the discriminant,

    S_f = 1 + a_f (1 + p_f P + e_f E) sin(w_f (L - c_f) + u_f P + v_f E),

P = log10(pT / 60 GeV) with pT clipped to 20 and 600 GeV, E = |eta| / 1.25 - 1, defined for |eta| < 2.5: 20 to 30 % in
the discriminant, with an amplitude and a phase that move with pT and |eta|. Bumps and steps in L may be added. Invalid
scores have a value of their own. ``python -m scripts.make_true_sf FOLDER`` writes the files:

toy          the default campaign; c has 1
toy_c        with a wave of c
smooth       other waves of b and light jets
sharp        bumps of b and light jets that are narrower than bins
light_one    light jets have 1
turning      light jets fall by a half at high scores, where few are
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from correctionlib import schemav2

NAME = "toy_shape"
# The softened logit stays finite: ln((d + s) / (1 + s - d)), between -6.2 and 6.2.
_SOFTENING = 0.002
_VARIATION = 0.25


class Wave(NamedTuple):
    """Parameters of one flavour's scale factor, see the module's docstring; ``invalid`` is that of scores below 0.

    ``bumps`` are Gaussians in L, ``steps`` logistic functions of it: height, centre and width of each.
    """

    amplitude: float
    amplitude_pt: float
    amplitude_abseta: float
    frequency: float
    centre: float
    phase_pt: float
    phase_abseta: float
    invalid: float
    bumps: tuple[tuple[float, float, float], ...] = ()
    steps: tuple[tuple[float, float, float], ...] = ()


WAVES = {
    5: Wave(-0.22, -0.25, 0.25, 0.45, 1.8, 0.55, 0.60, 1.10),
    0: Wave(0.25, -0.25, -0.15, 0.55, -3.9, -0.40, 0.55, 0.90),
}
SMOOTH = {
    5: Wave(0.20, 0.20, -0.20, 0.35, 0.5, -0.40, 0.30, 1.05),
    0: Wave(-0.20, 0.25, 0.20, 0.45, -2.0, 0.50, -0.40, 1.00),
}
SHARP = {
    5: WAVES[5]._replace(amplitude=-0.08, bumps=((0.25, 1.5, 0.35), (-0.20, 4.0, 0.40))),
    0: WAVES[0]._replace(amplitude=0.08, bumps=((0.30, -3.2, 0.25), (-0.25, -1.0, 0.30))),
}
LIGHT_ONE = {5: WAVES[5], 0: Wave(0.0, 0.0, 0.0, 0.5, 0.0, 0.0, 0.0, 1.0)}
TURNING = {5: WAVES[5], 0: WAVES[0]._replace(steps=((-0.5, 1.0, 0.4),))}
CHARM_WAVE = Wave(0.20, -0.20, 0.20, 0.50, -1.0, 0.30, -0.40, 1.05)
_SHIFTED_FLAVOUR = {"hf": 5, "lf": 0}


def formula(wave: Wave) -> str:
    """Return the scale factor as a TFormula of x = discriminant, y = pT and z = |eta|."""
    logit = f"log((x+{_SOFTENING:g})/({1 + _SOFTENING:g}-x))"
    pt = "log10(min(max(y,20),600)/60)"
    w = wave
    # Constants are multiplied out: the formula is evaluated for every jet.
    amplitude = _linear(
        w.amplitude * (1 - w.amplitude_abseta),
        w.amplitude * w.amplitude_pt,
        pt,
        w.amplitude_abseta * w.amplitude / 1.25,
    )
    phase = _linear(-w.frequency * w.centre - w.phase_abseta, w.phase_pt, pt, w.phase_abseta / 1.25)
    more = [f"+({h:g})*exp(-0.5*pow(({logit}-({c:g}))/{width:g},2))" for h, c, width in w.bumps]
    more += [f"+({h:g})/(1+exp(-({logit}-({c:g}))/{width:g}))" for h, c, width in w.steps]
    return f"1+({amplitude})*sin({w.frequency:g}*{logit}+({phase}))" + "".join(more)


def _linear(constant: float, of_pt: float, pt: str, of_abseta: float) -> str:
    return f"{constant:.6g}+({of_pt:.6g})*{pt}+({of_abseta:.6g})*z"


def correction_set(waves: Mapping[int, Wave] = MappingProxyType(WAVES)) -> schemav2.CorrectionSet:
    """Return a shipped correction set: keys central, up_hf, down_hf, up_lf, down_lf.

    A shift changes the effect of its flavour (hf: b, lf: udsg) by a quarter and leaves the other flavours at central.
    """
    variations: dict[str, tuple[int | None, float]] = {"central": (None, 1.0)}
    for source, flavour in _SHIFTED_FLAVOUR.items():
        variations |= {f"up_{source}": (flavour, 1.0 + _VARIATION), f"down_{source}": (flavour, 1.0 - _VARIATION)}
    items = [
        schemav2.CategoryItem(key=key, value=_flavours(waves, shifted, scale))
        for key, (shifted, scale) in variations.items()
    ]
    correction = schemav2.Correction(
        name=NAME,
        description="True b-tag shape scale factor of the toy campaign; made by scripts.make_true_sf.",
        version=1,
        inputs=[
            schemav2.Variable(name="systematic", type="string", description="central, or up/down of hf, lf"),
            schemav2.Variable(name="flavor", type="int", description="hadron flavour: 5 b, 4 c, 0 udsg"),
            schemav2.Variable(name="abseta", type="real", description="jet |eta|"),
            schemav2.Variable(name="pt", type="real", description="jet pT [GeV]"),
            schemav2.Variable(name="discriminant", type="real", description="b-tag discriminant, negative if invalid"),
        ],
        output=schemav2.Variable(name="weight", type="real", description="data over simulation"),
        data=schemav2.Category(nodetype="category", input="systematic", content=items),
    )
    return schemav2.CorrectionSet(schema_version=2, corrections=[correction])


def _flavours(waves: Mapping[int, Wave], shifted: int | None, scale: float) -> schemav2.Category:
    items = [] if 4 in waves else [schemav2.CategoryItem(key=4, value=1.0)]
    for flavour, wave in waves.items():
        factor = scale if flavour == shifted else 1.0
        scaled = wave._replace(amplitude=factor * wave.amplitude, invalid=1.0 + factor * (wave.invalid - 1.0))
        items.append(schemav2.CategoryItem(key=flavour, value=_in_acceptance(_discriminant(scaled))))
    return schemav2.Category(nodetype="category", input="flavor", content=items)


def _in_acceptance(content: schemav2.Binning) -> schemav2.Binning:
    return schemav2.Binning(nodetype="binning", input="abseta", edges=[0.0, 2.5], content=[content], flow="error")


def _discriminant(wave: Wave) -> schemav2.Binning:
    valid = schemav2.Formula(
        nodetype="formula", parser="TFormula", expression=formula(wave), variables=["discriminant", "pt", "abseta"]
    )
    return schemav2.Binning(
        nodetype="binning", input="discriminant", edges=[-15.0, 0.0, 1.0], content=[round(wave.invalid, 6), valid],
        flow="clamp",
    )  # fmt: skip


def to_json(waves: Mapping[int, Wave] = MappingProxyType(WAVES)) -> str:
    """Return the text of a shipped file."""
    tree = correction_set(waves).model_dump(mode="json", exclude_unset=True)
    return json.dumps(tree, indent=1, allow_nan=False) + "\n"


SHIPPED = {
    "toy.json": WAVES,
    "toy_c.json": {**WAVES, 4: CHARM_WAVE},
    "smooth.json": SMOOTH,
    "sharp.json": SHARP,
    "light_one.json": LIGHT_ONE,
    "turning.json": TURNING,
}

if __name__ == "__main__":
    for name, waves in SHIPPED.items():
        (Path(sys.argv[1]) / name).write_text(to_json(waves), encoding="utf-8")
