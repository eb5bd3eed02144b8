"""Jet tagging efficiencies as a function of the event, and truth tagging with them (arXiv:2004.02665)."""
