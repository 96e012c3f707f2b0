#!/usr/bin/env bash
# What a GPU has to show, in at most eight minutes: bash tools/gpu_check.sh [--json FILE] [--only GROUP ...]
#   bash tools/gpu_check.sh --device cpu --quick   tries the check itself, with tiny networks
#   bash tools/gpu_check.sh --pack DIR             downloads wheels for a machine without a network that has PyTorch,
#                                                  OpenCV and the like: set WHEELS=DIR there
#   PYTHON         interpreter (default: the checkout's .venv, else python3)
#   WHEELS         folder of wheels to use; they are installed into a temporary folder
#   PACK_PYTHON    the other machine's Python, for --pack (default: 3.12)
# One line an item, PASS, FAIL or SKIP; exit status 1 if one failed. Needs no data.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if [ "${1:-}" = --pack ]; then
    folder=${2:?"error: --pack takes a folder"}
    # requirements/runtime.txt less what comes with PyTorch on such a machine; of compiled ones the smallest
    names=(addict faster-coco-eval json-tricks model-index munkres ordered-set platformdirs pycocotools
        'setuptools<80.9' shapely termcolor terminaltables yapf)
    platforms=()
    for version in 17 24 27 28 31 34 35; do platforms+=(--platform "manylinux_2_${version}_x86_64"); done
    pip_download() {
        "${PYTHON:-python3}" -m pip download -q --no-deps --only-binary=:all: --python-version "${PACK_PYTHON:-3.12}" \
            --implementation cp "${platforms[@]}" --platform manylinux2014_x86_64 --platform manylinux1_x86_64 -d "$folder" "$@"
    }
    pip_download "${names[@]}"
    pip_download -r requirements/openmmlab.txt
    du -sh "$folder"
    exit
fi

PYTHON=${PYTHON:-$([ -x .venv/bin/python ] && echo .venv/bin/python || echo python3)}
export PYTHONPATH=$PWD${PYTHONPATH:+:$PYTHONPATH}
if [ -n "${WHEELS:-}" ]; then
    site=$(mktemp -d)
    trap 'rm -rf "$site"' EXIT
    "$PYTHON" -m pip install -q --no-index --no-deps --no-compile --no-cache-dir --target "$site" "$WHEELS"/*.whl
    export PYTHONPATH=$PYTHONPATH:$site
fi
"$PYTHON" -m tests.gpu_check "$@"
