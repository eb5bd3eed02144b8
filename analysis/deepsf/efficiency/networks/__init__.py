"""Networks of efficiencies and their training."""
