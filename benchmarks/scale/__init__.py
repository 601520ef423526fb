"""How much two workers do of one: one project's storm, over few and many partitions."""
