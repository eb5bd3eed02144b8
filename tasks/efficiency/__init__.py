"""Tasks of efficiencies and truth tagging."""
