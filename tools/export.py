"""Write a pose model as one file that needs no PyTorch: crops in, keypoints and scores out."""

import argparse

from hrnet_ext import cli
from hrnet_ext.arguments import positive, refuse_unused

FORMATS = ('onnx', 'openvino', 'torchscript', 'torch-export')


def main() -> None:
    """Export, compare with PyTorch, and tell what was written."""
    args = parse_args()

    from hrnet_ext.commands.export import run_export  # after parsing: --help should not wait

    print(run_export(args))


def parse_args() -> argparse.Namespace:
    """The arguments."""
    parser = cli.config_parser(
        'Write a pose model as one file: network, flip test and decoding in one graph, batch of '
        'any size. The file is loaded in its runtime and compared with PyTorch; one that differs '
        'is not kept. hrnet_ext.export.runtime.PoseSession runs it with numpy, OpenCV and ONNX '
        'Runtime or OpenVINO alone.'
    )
    parser.add_argument('checkpoint', help='its weights: path or URL')
    parser.add_argument('--format', choices=FORMATS, default='onnx', help='(%(default)s)')
    parser.add_argument(
        '--out',
        metavar='FILE',
        help='.onnx, .xml (with a .bin beside it), .torchscript or .pt2 '
        '(work_dirs/export/CONFIG.*)',
    )
    graph = parser.add_argument_group('graph')
    graph.add_argument(
        '--with-normalize',
        action='store_true',
        help='take crops (B, H, W, 3) uint8 BGR and normalise them in the graph; else it takes '
        'images (B, 3, H, W) float32, normalised (PoseSession does it)',
    )
    graph.add_argument(
        '--flip-test', action='store_true', help='average with the mirrored crop: twice the work'
    )
    graph.add_argument(
        '--with-heatmaps', action='store_true', help='give the heatmaps as third output'
    )
    precision = parser.add_mutually_exclusive_group()
    precision.add_argument(
        '--half',
        action='store_true',
        help='weights in 16 bits; OpenVINO then computes in the half precision of the device, '
        'ONNX Runtime in fp32, PyTorch in bf16',
    )
    precision.add_argument(
        '--int8',
        action='store_true',
        help='weights and activations in 8 bits (onnx, openvino), calibrated with the training '
        'data set; head and decoding stay in fp32',
    )
    check = parser.add_argument_group('crops')
    check.add_argument('--calibration-crops', type=positive, metavar='N', help='for --int8 (128)')
    check.add_argument(
        '--check-crops', type=positive, default=8, metavar='N',
        help='people to compare on, of the test data set or rendered (%(default)s)',
    )  # fmt: skip
    args = parser.parse_args()
    refuse_unused(args, {'--calibration-crops': '--int8'})
    return args


if __name__ == '__main__':
    cli.run(main)
