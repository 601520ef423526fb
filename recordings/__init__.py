"""Recorded outages made by real SDKs, and the programs that make them again.

Nothing here is imported by Stormfold itself.
"""
