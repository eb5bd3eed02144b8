"""The iterative tag-and-probe measurement in bins (arXiv:1712.07158), with all its systematic variations."""
