"""What Prometheus and Grafana are told of Stormfold, made from code; `tests/observability` holds
it against the list of metrics and a real Prometheus."""
