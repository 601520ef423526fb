#!/bin/sh
# Brings .venv in line with requirements.lock; called by `make setup` when the lock or pyproject.toml changed.
set -eu
venv=$1

if ! "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
    python=$(sh tools/python.sh) || exit 2
    echo "First set-up: $("$python" --version), packages are downloaded into $venv (450 MB when done)."
    rm -rf -- "$venv"
    "$python" -m venv "$venv"
fi
# The lock is whole, so pip has nothing to resolve. Asked to, it takes `coverage[toml]`, which a package wants, for another
# project than the locked `coverage` and refuses it for want of a hash as soon as a newer one is out. `pip check` sees a gap.
"$venv/bin/python" tools/install.py --no-deps --require-hashes -r requirements.lock
"$venv/bin/python" tools/install.py --no-deps --no-build-isolation --editable .
gaps=$("$venv/bin/python" -m pip --disable-pip-version-check check) || { echo "$gaps" >&2; exit 1; }
# Says early what the demo and the tests will find; without a broker both still run, each in its own way.
"$venv/bin/python" -m streams.broker --check || true
