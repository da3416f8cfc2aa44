"""Rooms in the manner of the paper's `Rooms` data set: a square room with a few objects."""
