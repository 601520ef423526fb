"""Sentry's own rules, in Sentry's syntax: fingerprint rules and stack-trace rules.

`syntax` reads lines, `globs` patterns; `fingerprint_rules` says what the first kind means,
`stack_rules` and `stack_marks` the second; `apply` does both to an event. Who asks for them is
`grouping`.
"""
