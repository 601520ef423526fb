"""Storm throughput: FINGERPRINT, the bare consumer loop and stock Faust on one log, in one run."""
