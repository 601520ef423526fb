"""A whole installation in a storm whose rate is set while it runs."""
