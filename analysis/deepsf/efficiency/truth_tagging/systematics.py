"""Systematics of scale factors of tags: which key of each correction a name stands for."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence

from deepsf.exports.systematics import CENTRAL, systematic_of

Keys = Mapping[str, str]
"""Key of the input ``systematic`` by correction; corrections that are not in it are central."""


def expanded(systematics: Mapping[str, str | Keys], known: Mapping[str, Sequence[str]]) -> dict[str, dict[str, str]]:
    """Return what each systematic is, by correction, in the order in which they are given.

    Parameters
    ----------
    systematics
        By name a key for all corrections that have it, or a key for each correction. A ``*`` in a key matches any part
        of the keys of the correction, as in ``{"stat*_up": "up_stat*"}``; the ``*`` of the name stands for that part.
    known
        Keys of each correction.

    Raises
    ------
    ValueError
        If no correction is called so or has such a key, nothing matches, or two systematics get one name. The message
        says what may be meant.
    """
    result: dict[str, dict[str, str]] = {}
    for name, given in systematics.items():
        keys = dict(given) if isinstance(given, Mapping) else dict.fromkeys(known, given)
        for correction in keys:
            if correction not in known:
                raise ValueError(f"systematic {name!r}: no correction {correction!r}; {_hint(correction, [*known])}")
        of_name: dict[str, dict[str, str]] = {}
        for correction, key in keys.items():
            for full_name, found in _matches(name, key, known[correction]):
                of_name.setdefault(full_name, {})[correction] = found
        every = [*dict.fromkeys(key for correction in known for key in known[correction])]
        for key in dict.fromkeys(keys.values()):
            if not any(True for _ in _matches(name, key, every)):
                raise ValueError(f"systematic {name!r}: no correction of {[*known]} has {key!r}; {_hint(key, every)}")
        # where no correction named here has the key, although another one has it, nothing would vary
        if not of_name:
            raise ValueError(
                f"systematic {name!r}: none of {[*keys]} has {sorted(set(keys.values()))}, all would be central; leave "
                "it out, or name the correction that has it"
            )
        if twice := sorted(of_name.keys() & result.keys()):
            raise ValueError(f"two systematics are called {twice[0]!r}; give one of them another name")
        result |= of_name
    return result


def _matches(name: str, key: str, known: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield full names and keys; a key without ``*`` is understood in both forms, ``up_lf`` and ``lf_up``."""
    if "*" not in key:
        found = next((form for form in (key, systematic_of(key)) if form in known), None)
        if found is not None:
            yield name, found
        return
    before, after = map(re.escape, key.split("*", 1))
    for candidate in known:
        matched = re.fullmatch(f"{before}(.+){after}", candidate)
        if matched and candidate != CENTRAL:
            yield name.replace("*", matched[1]), candidate


def _hint(wrong: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(wrong, known, n=1)
    return f"did you mean {close[0]!r}?" if close else f"there are {', '.join(known)}"
