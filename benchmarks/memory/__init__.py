"""What the processes of a worker hold in memory: over an hour of storm, and with much open."""
