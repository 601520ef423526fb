"""The pictures of the README, drawn from the results that are committed."""
