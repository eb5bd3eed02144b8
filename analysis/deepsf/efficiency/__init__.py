"""Jet tagging efficiencies as a function of the whole event, and truth tagging with them (arXiv:2004.02665).

Public names are those in ``__all__``, imported when they are first used.
"""

from deepsf.lazy import public_names

__getattr__, __dir__, __all__ = public_names(__name__)
