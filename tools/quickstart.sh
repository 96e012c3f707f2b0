#!/usr/bin/env bash
# From nothing but Python and pip to a trained HRNet and its drawings: bash tools/quickstart.sh
#   QUICKSTART_EPOCHS  rounds of training (default: the config's)
#   QUICKSTART_IMAGES  training images to render (default: 2000)
#   PYTHON, VENV       as in setup_env.sh
# A second run reuses the environment, the images and the finished training.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

epochs=${QUICKSTART_EPOCHS:-}
images=${QUICKSTART_IMAGES:-2000}
for number in ${epochs:+"$epochs"} "$images"; do
    [[ $number =~ ^[1-9][0-9]*$ ]] || {
        echo "error: QUICKSTART_EPOCHS and QUICKSTART_IMAGES are whole numbers, not '$number'" >&2
        exit 1
    }
done
config=configs/hrnet_synthetic.py
data=data/synthetic/easy
work_dir=work_dirs/hrnet_synthetic
options=()
if [ "$images" -ne 2000 ]; then
    data+=_$images
    work_dir+=_${images}_images
    options+=({train,val,test}_dataloader.dataset.data_root="$data/")
fi
if [ -n "$epochs" ]; then
    work_dir+=_${epochs}_epochs
    options+=(train_cfg.max_epochs="$epochs" train_cfg.val_interval="$epochs")
fi
[ ${#options[@]} -eq 0 ] || options=(--cfg-options "${options[@]}")

step() { printf '\n== %s (after %d min %02d s)\n' "$1" $((SECONDS / 60)) $((SECONDS % 60)); }
run() { echo "+ $*"; "$@"; }

step "1/5 environment: Python packages into ${VENV:-.venv}"
bash tools/setup_env.sh
# One core for everything else: on two busy cores a step with two compute threads took seven times as long as with one.
cores=$(nproc)
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-$(( cores > 1 ? cores - 1 : 1 ))}
export PATH="$(cd "${VENV:-.venv}" && pwd)/bin:$PATH"

step "2/5 data: render images of people with known keypoints into $data"
run python tools/make_synthetic.py "$data" --num-train "$images"

step "3/5 training: a small HRNet${epochs:+, $epochs rounds}, into $work_dir"
if compgen -G "$work_dir/best_*.pth" > /dev/null; then
    echo "trained already: $(ls "$work_dir"/best_*.pth); remove $work_dir to train anew"
else
    run mim train hrnet_ext "$config" --work-dir "$work_dir" "${options[@]}"
fi

step "4/5 test: the best checkpoint on people it has not seen"
run mim test hrnet_ext "$config" --checkpoint best --work-dir "$work_dir" \
    --out "$work_dir/metrics.json" --dump "$work_dir/predictions.pkl" "${options[@]}"

step "5/5 drawings: ground truth next to prediction"
run python tools/draw_predictions.py "$config" "$work_dir/predictions.pkl" --out-dir "$work_dir/pictures"

ap=$(python -c "import json, sys; print(f'{json.load(open(sys.argv[1]))[\"coco/AP\"]:.3f}')" "$work_dir/metrics.json")
step "done"
cat <<END
held-out AP   $ap (COCO keypoint AP by OKS, ground-truth boxes, flip test): $work_dir/metrics.json
drawings      $work_dir/pictures/overview.png
checkpoint    $(ls "$work_dir"/best_*.pth)
training log  $(grep -l 'Epoch(train)' "$work_dir"/*/*.log | tail -n 1)
data          $data
environment   source ${VENV:-.venv}/bin/activate
END
