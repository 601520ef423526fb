"""What the services of the shop share: configuration, error reporting, clients."""
