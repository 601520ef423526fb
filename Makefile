# Every command sets up what it needs first; see `make help`.
SHELL := /bin/sh
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
# Tests start programs by the hundred: what each would compile is compiled once.
unexport PYTHONDONTWRITEBYTECODE
.PHONY: help setup demo test check simulate bench deliveries wayback everywhere observe deploycheck soak lock

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.set-up
ARGS :=
TESTERS := 3
FILES := $(wildcard recordings/*.jsonl recordings/*.jsonl.gz recordings/*.jsonl.zst)

help:  ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-7s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP)  ## everything Python into .venv, exactly as requirements.lock says
	@:

$(STAMP): requirements.lock pyproject.toml tools/setup.sh
	@sh tools/setup.sh $(VENV)
	@touch $@

demo: setup  ## an outage of hundreds of alerts becomes one digest and one page
	@$(BIN)/stormfold demo $(ARGS)

test: setup  ## all tests, in TESTERS processes (3, one of which mostly waits for Kafka); ARGS="-k storms" for some
	@$(BIN)/python -m pytest -n $(TESTERS) $(ARGS)

check: setup  ## lint, types, import rules, tests, further simulated runs: exactly what CI runs
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo
	@$(MAKE) test ARGS="--cov $(ARGS)"
	@$(MAKE) simulate

simulate: setup  ## SIMULATION_RUNS seeded runs of the protocol (2,000), SIMULATION_DELIVERIES of DELIVER (260), SIMULATION_OUTAGES pairs of drawn outages (210)
	@SIMULATION_RUNS=$${SIMULATION_RUNS:-2000} SIMULATION_OUTAGES=$${SIMULATION_OUTAGES:-210} \
		SIMULATION_DELIVERIES=$${SIMULATION_DELIVERIES:-260} \
		SIMULATION_SEED=$${SIMULATION_SEED:-1000000} $(BIN)/python -m pytest -q $(ARGS) \
		tests/simulation/test_simulation.py tests/simulation/test_outages.py tests/simulation/deliveries \
		-k "every_run or every_drawn"

deploycheck: setup  ## deploy/ against the schemas of Kubernetes and KEDA; installs what it needs beside .venv; needs Go
	@$(BIN)/python tools/deploy_check.py

soak: setup  ## chaos with real processes, many times, 20,000 simulated runs, 2,600 of DELIVER, 4,200 drawn outages, forty times the examples of the laws; writes benchmarks/results/chaos.*
	@$(BIN)/python -m pytest tests/chaos tests/simulation tests/kafka --soak --table benchmarks/results
	@SIMULATION_RUNS=$${SIMULATION_RUNS:-20000} SIMULATION_DELIVERIES=$${SIMULATION_DELIVERIES:-2600} \
		SIMULATION_OUTAGES=$${SIMULATION_OUTAGES:-2100} $(MAKE) simulate
	@HYPOTHESIS_PROFILE=deep $(BIN)/python -m pytest -n $(TESTERS) -m hypothesis tests/laws tests/sinks tests/correlators

deliveries: setup  ## a storm of 2,000 incidents through refusals, hang-ups, kills and a zombie; writes benchmarks/results/deliveries.txt
	@$(BIN)/python -m benchmarks.deliveries --results benchmarks/results $(ARGS)

wayback: setup  ## an outage handled by people, each button and command, times under a storm; writes benchmarks/results/wayback.txt
	@$(BIN)/python -m benchmarks.wayback --results benchmarks/results $(ARGS)

everywhere: setup  ## what Slack, mail, Teams, webhooks and PagerDuty got, a drill, a week's report; writes benchmarks/results/everywhere.txt
	@$(BIN)/python -m benchmarks.everywhere --results benchmarks/results $(ARGS)

observe: setup  ## a storm and faults under a real Prometheus: which alerts fire, what the dashboards show; writes benchmarks/results/alerts.txt
	@$(BIN)/python -m benchmarks.observe --results benchmarks/results $(ARGS)

bench: setup  ## quality of the grouping over recordings/, or FILES="a.jsonl.gz b.jsonl"; speed in a storm and of CORRELATE
	@$(BIN)/python -m benchmarks.quality $(FILES)
	@$(BIN)/python -m benchmarks.storm --quick
	@$(BIN)/python -m benchmarks.correlate --quick

# LOCK_ARGS=--upgrade takes newer versions. uv only resolves; what is installed is pip's work, with the hashes written here.
# It needs no .venv: with a new dependency in pyproject.toml that cannot be set up before its lock is written.
lock:  ## write requirements.lock anew from pyproject.toml
	@test -x $(VENV)-lock/bin/uv || { "$$(sh tools/python.sh)" -m venv $(VENV)-lock && \
		$(VENV)-lock/bin/python -m pip install --quiet 'uv>=0.13,<0.14'; }
	@$(VENV)-lock/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-emit-find-links --no-config --group dev \
		--custom-compile-command "make lock" $(LOCK_ARGS) --output-file requirements.lock pyproject.toml
	@$(MAKE) setup
