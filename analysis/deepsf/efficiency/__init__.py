"""Jet tagging efficiencies as a function of the event, and truth tagging with them (arXiv:2004.02665).

The public names are those of `__init__.pyi`, imported when they are first used.
"""

from deepsf.lazy import public_names

__getattr__, __dir__, __all__ = public_names(__name__)
