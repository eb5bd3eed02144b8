"""Networks of efficiencies and their training; `deepsf.config.efficiency.networks.NETWORKS` names them all."""
