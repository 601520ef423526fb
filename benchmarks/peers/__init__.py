"""FINGERPRINT beside Quix Streams, sentry-arroyo and Bytewax, all doing the same work."""
