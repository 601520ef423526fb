"""The checkout service, as of release 1.8.2."""
