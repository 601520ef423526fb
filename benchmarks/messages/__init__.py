"""How many messages FINGERPRINT leaves behind it, by how many events come."""
