"""Ticks of CORRELATE over many open incidents of one environment."""
