"""A day of a million events, and how long a replay of it takes; `python -m benchmarks.local`."""
