#!/usr/bin/env bash
# Environment, then tests: bash tools/run_tests.sh [pytest's arguments]; PYTHON and VENV as in setup_env.sh
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export VENV=${VENV:-.venv}
# The tensors are small; with a compute thread on every core, a busy machine was seen to stall.
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}

bash tools/setup_env.sh
exec "$VENV/bin/python" -m pytest -n auto --maxprocesses 4 --dist worksteal "$@"
