"""All jets of all events: rates, yields and shapes, also in a region that no measurement uses."""
