"""Non-closure of efficiencies: measured on test events, and what it does to yields."""
