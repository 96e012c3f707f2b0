#!/usr/bin/env bash
# What dist_train.sh and dist_test.sh share: torchrun with N processes of a tool beside this file.
# Each process gets its share of the cores, unless OMP_NUM_THREADS says otherwise.
set -euo pipefail
processes=$1 tool=$2
shift 2
[[ $processes =~ ^[1-9][0-9]*$ ]] || { echo "error: '$processes' is no number of processes" >&2; exit 2; }

share=$(( $(nproc) / processes ))
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-$(( share > 0 ? share : 1 ))}
export MKL_NUM_THREADS=${MKL_NUM_THREADS:-$OMP_NUM_THREADS}
exec "${PYTHON:-python}" -m torch.distributed.run \
    --nnodes="${NNODES:-1}" \
    --node_rank="${NODE_RANK:-0}" \
    --master_addr="${MASTER_ADDR:-127.0.0.1}" \
    --master_port="${PORT:-29500}" \
    --nproc_per_node="$processes" \
    "$(dirname "$0")/$tool" "$@" --launcher pytorch
