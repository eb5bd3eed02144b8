"""Truth tagging: weights, drawn tags, scale factors and errors."""
