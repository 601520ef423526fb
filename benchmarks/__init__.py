"""Measurements of Stormfold: how well it groups, how fast it is. Production needs none of it."""
