"""A small shop of real services on loopback, built to lose a dependency and to recover.

`fleet.deploy` copies this package out of the repository as `shop`, so stacks read as those of a
deployed program.
"""
