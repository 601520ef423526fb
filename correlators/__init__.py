"""The decisions of Stormfold, as pure functions and values.

Nothing in this package reads a clock, opens a file or a socket, draws a random number, logs, or
knows Faust. Messages come in, values go out; `streams/` does the rest.
"""
