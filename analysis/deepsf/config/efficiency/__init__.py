"""Settings of efficiencies and truth tagging."""
