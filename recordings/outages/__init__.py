"""Outages of services in other languages than Python: the programs, and what happens to them."""
