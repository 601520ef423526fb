"""How long no digest is decided when a worker joins, leaves or is killed."""
