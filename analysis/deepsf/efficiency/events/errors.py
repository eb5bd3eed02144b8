"""The error of events that cannot be used."""

from __future__ import annotations


class JetEventsError(ValueError):
    """Events cannot be used; the message names file or sample, event, value, rule and way out."""
