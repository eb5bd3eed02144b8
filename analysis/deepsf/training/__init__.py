"""Training of DeepSF members (CMS-DP-2019-003) with the signed formulation; see `deepsf.adversarial.losses`."""
