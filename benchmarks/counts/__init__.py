"""Counts of what the stages do for a fixed storm: the same on every machine, at any load."""
