#!/bin/sh
# Brings .venv in line with requirements.lock; called by `make setup` when the lock or pyproject.toml changed.
set -eu
venv=$1

if ! "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
    python=$(sh tools/python.sh) || exit 2
    echo "First set-up: $("$python" --version), packages are downloaded into $venv (335 MB when done)."
    rm -rf -- "$venv"
    "$python" -m venv "$venv"
fi
"$venv/bin/python" tools/install.py --require-hashes -r requirements.lock
"$venv/bin/python" tools/install.py --no-deps --no-build-isolation --editable .
# Says early what the demo and the tests will find; without a broker both still run, each in its own way.
"$venv/bin/python" -m streams.broker --check || true
