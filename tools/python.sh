#!/bin/sh
# Prints a Python that can carry Stormfold, or one line that says what is missing (exit status 2).
# Shell, because this has to speak where Python is too old or not there. PYTHON=... names one.

too_old= no_venv=
for candidate in ${PYTHON:-python3.13 python3.12 python3.11 python3 python}; do
    # A shim may stand on PATH for a version that is not there, so each is asked, not only found.
    version=$("$candidate" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || continue
    if ! "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
        too_old="$candidate is Python $version"
    elif ! "$candidate" -c 'import venv, ensurepip' 2>/dev/null; then
        no_venv=${no_venv:-$candidate $version}
    else
        command -v "$candidate"
        exit 0
    fi
done

if [ -n "$no_venv" ]; then
    version=${no_venv##* }
    echo "stormfold: ${no_venv% *} has no venv module (Debian: apt-get install python$version-venv)" >&2
elif [ -n "$too_old" ]; then
    echo "stormfold: Python too old: 3.11 or newer is needed, $too_old (PYTHON=... names another)" >&2
elif [ -n "$PYTHON" ]; then
    echo "stormfold: PYTHON=$PYTHON does not run" >&2
else
    echo "stormfold: no Python found; 3.11 or newer is needed (Debian: apt-get install python3 python3-venv)" >&2
fi
exit 2
