#!/usr/bin/env bash
# Make the virtual environment, or reuse it: bash tools/setup_env.sh
#   PYTHON  interpreter to make it with, 3.10 to 3.13 (default: python3)
#   VENV    its folder (default: .venv in the checkout)
# A second run installs only where a requirement file or the build changed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

PYTHON=${PYTHON:-python3}
VENV=$(realpath -m "${VENV:-.venv}")  # scripts inside name it: no way through another folder
stamp=$(cat requirements/{runtime,openmmlab,tests,export,constraints}.txt setup.cfg setup.py | cksum)

"$PYTHON" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info < (3, 14))' || {
    echo "error: $PYTHON is $("$PYTHON" -V 2>&1); name a Python 3.10 to 3.13: PYTHON=python3.12 bash $0" >&2
    exit 1
}

if [ "$(cat "$VENV/.hrnet_ext" 2>/dev/null)" = "$stamp $PWD" ]; then
    echo "environment: $VENV is up to date"
    exit
fi

echo "environment: installing into $VENV (PyTorch and all: some minutes, about 5 GB)"
if [ -f "$VENV/.hrnet_ext" ] && ! grep -qF "$VENV/bin/python" "$VENV/bin/pip"; then
    echo "environment: $VENV was made under another name, which its scripts call; making it anew"
    rm -rf "$VENV"
fi
if [ ! -x "$VENV/bin/pip" ]; then
    # Debian's Python has no ensurepip: then the pip outside puts one inside.
    "$PYTHON" -m venv "$VENV" 2>/dev/null || {
        "$PYTHON" -m venv --clear --without-pip "$VENV"
        "$PYTHON" -m pip --python "$VENV/bin/python" install -q pip
    }
fi
pip() { "$VENV/bin/python" -m pip install -q --disable-pip-version-check "$@"; }
pip -c requirements/constraints.txt -r requirements/runtime.txt -r requirements/tests.txt
pip --no-deps -r requirements/openmmlab.txt
pip --no-deps --no-build-isolation -e .
"$VENV/bin/python" tools/doctor.py
echo "$stamp $PWD" > "$VENV/.hrnet_ext"
