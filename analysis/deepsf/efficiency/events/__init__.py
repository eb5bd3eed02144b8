"""Events of jets: from arrays, from skims, and what all parts compute on them."""
