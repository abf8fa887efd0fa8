#!/usr/bin/env bash
# Makes the virtual environment: setup.sh PYTHON VENV. Brings uv along when the machine has none.
set -euo pipefail
python=$1 venv=$2
cd "$(dirname "$0")/.."

if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    echo "yolotui needs Python 3.11 or newer; '$python' is $("$python" --version 2>&1). Try: make setup PYTHON=python3.12" >&2
    exit 1
fi
if [ ! -x "$venv/bin/python" ]; then
    if ! "$python" -m venv "$venv"; then
        rm -rf "$venv"
        echo "'$python -m venv' failed (see above). On Debian and Ubuntu: apt install python3-venv" >&2
        exit 1
    fi
fi
if ! uv=$(command -v uv); then
    [ -x "$venv/bin/uv" ] || "$venv/bin/python" -m pip install --quiet --disable-pip-version-check uv
    uv=$venv/bin/uv
fi
# Compiled now, once: an environment that forbids Python to write bytecode would pay for it at every start.
"$uv" pip install --quiet --compile-bytecode --python "$venv/bin/python" -r requirements.txt
"$uv" pip install --quiet --python "$venv/bin/python" --no-deps --editable .
"$venv/bin/python" -m compileall -q yolotui
