"""Neural networks, one a module."""
