"""Four dashboards for Grafana, made from code: `python -m observability.dashboards` writes them to
`observability/grafana/dashboards/`, which `docker-compose.yml` provisions.
"""
