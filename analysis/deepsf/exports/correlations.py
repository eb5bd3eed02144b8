"""Which sources of uncertainty move together in all eras, and which in each era by itself.

As CMS combines years: theory and the modelling of pile-up are the same everywhere, and so are sources of the jet energy
scale without a year in their name. Statistical errors, the jet energy resolution and sources of one year are
not; nor are those of networks, but for the extrapolation, whose size is assumed.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

_CORRELATED = re.compile(r"hf|lf|extrapolation|cferr[12]|genscale|psisr|psfsr|pileup|jes(?!Total$)\w+")
_BY_ERA = re.compile(r"\w*stats[12]|stat\d+|statrest|train|model|jer\w*|jes\w*20\d\d\w*")


def is_correlated(source: str) -> bool | None:
    """Return whether a source is correlated between eras by its kind, None if its name does not tell.

    It does not for the total of the jet energy scale, which has parts of both kinds, and for sources of the config.
    """
    if _BY_ERA.fullmatch(source):
        return False
    return True if _CORRELATED.fullmatch(source) else None


def correlation_text(sources: Iterable[str], correlated: Collection[str] | None) -> str:
    """Return for descriptions which sources are correlated between eras.

    Parameters
    ----------
    sources
        Names of sources, ours or those of files.
    correlated
        Those that are correlated, and all others are not; None: by kind.
    """
    by_answer: dict[bool | None, list[str]] = {True: [], False: [], None: []}
    for source in sources:
        by_answer[is_correlated(source) if correlated is None else source in correlated].append(source)
    yes, no, unknown = (", ".join(by_answer[answer]) for answer in (True, False, None))
    text = f"Correlated between eras: {yes or 'none'}; not correlated: {no or 'none'}"
    return f"{text}; not known: {unknown}." if unknown else f"{text}."
