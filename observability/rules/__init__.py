"""Prometheus's rules about Stormfold itself: what is recorded, and when somebody is called.

`python -m observability.rules` writes `observability/alerts.yml` and
`observability/recordings.yml`; `--runbooks` says where the pages of `docs/runbooks/` are read,
`--factor` makes every minute shorter, for a trial.
"""
