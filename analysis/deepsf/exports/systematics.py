"""Names of shifts: ours are ``nominal`` and ``<source>_up``, those of CMS files ``central`` and ``up_<source>``."""

from __future__ import annotations

CENTRAL = "central"
NOMINAL = "nominal"
_DIRECTIONS = ("up", "down")
# the sum of all jet energy scale sources has had this name since the first files
_FILE_SOURCE = {"jesTotal": "jes"}
_OUR_SOURCE = {theirs: ours for ours, theirs in _FILE_SOURCE.items()}


def systematic_of(shift: str) -> str:
    """Return the name in files of a shift, given in either form: ``lf_up`` and ``up_lf`` give ``up_lf``.

    A name that is neither is returned as it is.
    """
    if shift == NOMINAL:
        return CENTRAL
    direction, _, source = shift.partition("_")
    if direction not in _DIRECTIONS:
        source, _, direction = shift.rpartition("_")
        if direction not in _DIRECTIONS:
            return shift
    return f"{direction}_{_FILE_SOURCE.get(source, source)}"


def shift_of(systematic: str) -> str:
    """Return our name of a shift, given in either form: ``up_lf`` and ``lf_up`` give ``lf_up``."""
    if systematic in (CENTRAL, NOMINAL):
        return NOMINAL
    direction, _, source = systematic_of(systematic).partition("_")
    if direction not in _DIRECTIONS:
        return systematic
    return f"{_OUR_SOURCE.get(source, source)}_{direction}"


def source_of(systematic: str) -> str:
    """Return the source of a shift given in either form: ``lf`` of ``up_lf``; ``central`` of the nominal one."""
    name = systematic_of(systematic)
    direction, _, source = name.partition("_")
    return source if direction in _DIRECTIONS else name


def acts_on_charm_alone(systematic: str) -> bool:
    """Return whether a shift is one of ``cferr1`` and ``cferr2``: for c jets of unit scale factor, for no others."""
    return source_of(systematic).startswith("cferr")
