#!/usr/bin/env bash
# What slurm_train.sh and slurm_test.sh share: srun with one task per GPU of a tool beside this file.
set -euo pipefail
partition=$1 job_name=$2 tool=$3
shift 3
gpus=${GPUS:-8}
gpus_per_node=${GPUS_PER_NODE:-$(( gpus < 8 ? gpus : 8 ))}
read -ra srun_args <<< "${SRUN_ARGS:-}"
# A job's own port: two jobs may share a machine.
export MASTER_PORT=${MASTER_PORT:-${PORT:-$(( 20000 + RANDOM % 10000 ))}}
exec srun --partition="$partition" \
    --job-name="$job_name" \
    --gres="gpu:$gpus_per_node" \
    --ntasks="$gpus" \
    --ntasks-per-node="$gpus_per_node" \
    --cpus-per-task="${CPUS_PER_TASK:-5}" \
    --kill-on-bad-exit=1 \
    "${srun_args[@]}" \
    "${PYTHON:-python}" -u "$(dirname "$0")/$tool" "$@" --launcher slurm
