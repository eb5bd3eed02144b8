"""Checks of every method on the same entries: against the truth where it is known, and against data.

`audit` is the way in; the other modules hold one check each. The truth is a function that only this package is given.
"""

from deepsf.audit.methods import Results, TrueFunction
from deepsf.audit.report import AuditResult, audit

__all__ = ["AuditResult", "Results", "TrueFunction", "audit"]
