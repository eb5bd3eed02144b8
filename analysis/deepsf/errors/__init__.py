"""Errors of the networks' scale factors: where they come from, each with a name, and their sum."""
