"""Scale factors of working points by ratios of densities."""
