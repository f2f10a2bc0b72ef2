#!/bin/sh
# Create .venv with exactly what requirements.lock names: by uv where it is there, else by pip.
# usage: scripts/setup.sh PYTHON
set -eu
python=$1
lock=requirements.lock

version_ok='import sys; raise SystemExit(sys.version_info < (3, 11))'
if command -v uv >/dev/null 2>&1; then
    echo "setting up .venv with uv"
    [ -d .venv ] || uv venv --quiet --python '>=3.11' .venv
    uv pip install --quiet --python .venv/bin/python -r "$lock"
else
    if ! "$python" -c "$version_ok" 2>/dev/null; then
        echo "setup: $python is not Python 3.11 or newer; name one with: make run PYTHON=python3.12" >&2
        exit 1
    fi
    echo "setting up .venv with pip"
    [ -d .venv ] || "$python" -m venv .venv
    .venv/bin/python -m pip install --quiet --disable-pip-version-check -r "$lock"
fi
