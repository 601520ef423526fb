"""Stormfold watched by a real Prometheus: a replayed storm, then one fault after the other.

`python -m benchmarks.observe`; see `benchmarks.observe.__main__`.
"""
