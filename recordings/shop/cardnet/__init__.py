"""A third party: the card network, which sometimes takes too long."""
