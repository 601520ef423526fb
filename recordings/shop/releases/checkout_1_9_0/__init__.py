"""What changed in checkout 1.9.0: gift wrapping, and the mistake that came with it."""
