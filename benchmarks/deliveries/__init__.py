"""A storm of incidents, delivered while services refuse and hang and owners die: what was told."""
