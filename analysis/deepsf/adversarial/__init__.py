"""Scale factors as networks trained against an adversary (CMS-DP-2019-003)."""
