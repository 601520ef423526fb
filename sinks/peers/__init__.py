"""Local services on real sockets that keep the documented rules of the real ones.

For tests, the demo and anybody who builds against Slack or PagerDuty without an account. They talk
to nobody, keep everything in memory and record all they received. They import no sink, and no sink
imports them.
"""
