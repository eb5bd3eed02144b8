"""Figures: functions of results that return matplotlib figures; `style.save` writes them."""
