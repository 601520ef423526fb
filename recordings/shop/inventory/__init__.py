"""The inventory database: the dependency that the shop loses."""
