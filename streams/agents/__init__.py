"""What the three stages do with their records: one handler each, run by `streams.stage`."""
