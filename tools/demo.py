"""Draw the people in images and videos: skeletons, scores, and tracks with ids and trails."""

from __future__ import annotations

import argparse

from hrnet_ext import cli
from hrnet_ext.arguments import (
    add_people_arguments,
    check_people_arguments,
    number,
    positive,
    refuse_unused,
    share,
)  # fmt: skip


def main() -> None:
    """Estimate, draw, and tell where the pictures are."""
    args = parse_args()

    from hrnet_ext.inference.demo import (
        run_demo,  # after parsing: --help should not wait for PyTorch
    )

    print(run_demo(args))


def parse_args() -> argparse.Namespace:
    """The arguments."""
    parser = argparse.ArgumentParser(
        description="Draw people's skeletons into images and videos: the left side blue, the "
        'right orange, the middle yellow; with --track everybody in a color of their own, with id '
        'and trail. Predictions are written as JSON.'
    )
    parser.add_argument(
        'input', help='image, folder of images, video, URL, webcam or webcam:NUMBER'
    )
    parser.add_argument('--config', help='the pose model: a config, or the name of a shipped one')
    parser.add_argument(
        '--checkpoint',
        required=True,
        help='its weights: path or URL; or a file of tools/export.py, which needs no --config',
    )
    parser.add_argument(
        '--cfg-options', nargs='+', action='extend', default=[], metavar='KEY=VALUE',
        help="override the pose model's settings",
    )  # fmt: skip
    cli.add_debug_argument(parser)

    people = add_people_arguments(parser)
    people.add_argument('--bbox-thr', type=share, help='least score of a box (0.3)')
    people.add_argument(
        '--nms-thr', type=share, help='of boxes with a higher IoU keep the best (0.3)'
    )

    tracks = parser.add_argument_group('tracking')
    tracks.add_argument('--track', action='store_true', help='give everybody an id in a video')
    tracks.add_argument(
        '--track-options',
        nargs='+',
        action='extend',
        default=[],
        metavar='KEY=VALUE',
        help='arguments of hrnet_ext.tracking.PoseTracker, such as flow=lk box_threshold=0.4',
    )

    run = parser.add_argument_group('run')
    run.add_argument('--out-dir', help='folder for pictures and predictions (work_dirs/demo)')
    run.add_argument('--show', action='store_true', help='show in a window; Esc or q ends')
    cli.add_optimize_argument(run, default='fp32')
    run.add_argument('--device', help='cuda:0, cpu, ... (a GPU if there is one)')
    run.add_argument('--batch-size', type=positive, help='frames computed at once (8, on a CPU 1)')
    run.add_argument(
        '--video-codec', metavar='ABCD',
        help="OpenCV's four letters (mp4v, for desktop players; vp09 for browsers)",
    )  # fmt: skip
    run.add_argument(
        '--strict', action='store_true', help='stop at the first image that cannot be read'
    )

    drawing = parser.add_argument_group('drawing')
    drawing.add_argument(
        '--kpt-thr', type=share, default=0.3, help='least score of a keypoint (%(default)s)'
    )
    drawing.add_argument('--radius', type=number(int, 0), help='of keypoints, pixels (by limbs)')
    drawing.add_argument('--thickness', type=positive, help='of limbs, pixels (by person)')
    drawing.add_argument('--draw-bbox', action='store_true', help='draw the boxes')
    drawing.add_argument('--draw-heatmap', action='store_true', help='put heatmaps underneath')
    drawing.add_argument('--black-background', action='store_true', help='leave the image out')
    args = parser.parse_args()
    check_people_arguments(args)
    refuse_unused(args, {'--track-options': '--track'})
    return args


if __name__ == '__main__':
    cli.run(main)
