"""Files that replace those of an older release when the newer one is deployed."""
