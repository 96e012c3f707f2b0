#!/usr/bin/env bash
# Test in N processes a machine: bash tools/dist_test.sh CONFIG CHECKPOINT N [arguments of test.py]
# Several machines: NNODES, NODE_RANK, MASTER_ADDR, PORT in the environment of each.
set -euo pipefail
[ $# -ge 3 ] || { echo "usage: bash $0 CONFIG CHECKPOINT N [arguments of test.py]" >&2; exit 2; }
config=$1 checkpoint=$2 processes=$3
shift 3
exec bash "$(dirname "$0")/launch.sh" "$processes" test.py "$config" "$checkpoint" "$@"
