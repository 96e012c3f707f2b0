"""The evaluation itself needs NumPy and SciPy, and nothing else that could be absent."""

import subprocess
import sys
from pathlib import Path

SCRIPT = """
import sys

ABSENT = ('torch', 'mmengine', 'mmcv', 'mmpose', 'pycocotools', 'xtcocotools', 'shapely', 'cv2',
          'motmetrics', 'poseval', 'pandas', 'matplotlib')
sys.modules.update(dict.fromkeys(ABSENT))  # None: importing it raises ImportError
import hrnet_ext.evaluation as evaluation
import hrnet_ext.evaluation.posetrack

for name in evaluation.__all__:
    assert callable(getattr(evaluation, name)), name
print(evaluation.oks_nms([], [], [], 0.9, [0.1]))
"""


def test_it_is_importable_with_numpy_and_scipy_alone():
    root = Path(__file__).parents[1]
    command = [sys.executable, '-c', SCRIPT]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout == '[]\n'
