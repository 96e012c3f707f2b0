#!/usr/bin/env bash
# Train in N processes a machine: bash tools/dist_train.sh CONFIG N [arguments of train.py]
# Several machines: NNODES, NODE_RANK, MASTER_ADDR, PORT in the environment of each.
set -euo pipefail
[ $# -ge 2 ] || { echo "usage: bash $0 CONFIG N [arguments of train.py]" >&2; exit 2; }
config=$1 processes=$2
shift 2
exec bash "$(dirname "$0")/launch.sh" "$processes" train.py "$config" "$@"
