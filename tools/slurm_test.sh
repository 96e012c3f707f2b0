#!/usr/bin/env bash
# Test under Slurm: bash tools/slurm_test.sh PARTITION JOB_NAME CONFIG CHECKPOINT [arguments of test.py]
# GPUS (all machines), GPUS_PER_NODE, CPUS_PER_TASK and SRUN_ARGS come from the environment.
set -euo pipefail
[ $# -ge 4 ] || { echo "usage: bash $0 PARTITION JOB_NAME CONFIG CHECKPOINT [arguments of test.py]" >&2; exit 2; }
partition=$1 job_name=$2 config=$3 checkpoint=$4
shift 4
exec bash "$(dirname "$0")/slurm.sh" "$partition" "$job_name" test.py "$config" "$checkpoint" "$@"
