"""Person boxes for images and videos from a JSON file."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hrnet_ext.apis.frames import Frame, base_name
from hrnet_ext.datasets.body.files import check_records, read_json

PERSON = 1  # COCO's category


def read_boxes(path: str | os.PathLike[str]) -> list | Callable[[Frame], list]:
    """Boxes as :class:`~hrnet_ext.apis.PoseInferencer` takes them in ``bboxes``.

    Args:
        path: A JSON file: COCO results (``image_id`` is the number that an image is named by, or
            a video's frame, from 0); or ``{"file name": boxes}``; or a list of boxes for each
            frame; or the boxes of a single image. Boxes are x1, y1, x2, y2 and perhaps a score,
            but x, y, w, h in COCO results.

    Raises:
        ValueError: If it is none of these; names the file.
        FileNotFoundError: If it does not exist.
    """
    content = read_json(path, 'boxes file (--bboxes)')
    if isinstance(content, dict):
        return _by_name(content)
    if not isinstance(content, list):
        raise ValueError(f'boxes file `{path}` should hold a list or an object of boxes')
    if content and isinstance(content[0], dict):
        return _coco_results(content, path)
    return content


def _by_name(content: dict[str, Any]) -> Callable[[Frame], list]:
    def boxes(frame: Frame) -> list:
        name = base_name(frame.path)
        if name not in content:
            raise ValueError(f'the boxes file has no entry `{name}`; give [] for nobody')
        return content[name]

    return boxes


def boxes_by_image(path: str | os.PathLike[str]) -> dict[int, list]:
    """Boxes [x1, y1, x2, y2, score] by image id, from a file of COCO results.

    Raises:
        ValueError: If it is no such file; names it.
        FileNotFoundError: If it does not exist.
    """
    return _grouped(read_json(path, 'boxes file (--bboxes)'), path)


def _grouped(records: object, path: str | os.PathLike[str]) -> dict[int, list]:
    check_records(records, ('image_id', 'bbox', 'score'), f'boxes file `{path}`: results')
    by_image = defaultdict(list)
    for record in records:
        if record.get('category_id', PERSON) == PERSON:
            x, y, w, h = record['bbox']
            by_image[record['image_id']].append([x, y, x + w, y + h, record['score']])
    return dict(by_image)


def _coco_results(records: list[dict], path: str | os.PathLike[str]) -> Callable[[Frame], list]:
    by_image = _grouped(records, path)

    def boxes(frame: Frame) -> list:
        stem = Path(base_name(frame.path)).stem
        if not stem.isdecimal():
            raise ValueError(
                f'`{frame.path}` is not named by a number, which COCO results need as image_id; '
                f'write the boxes as {{"{base_name(frame.path)}": [[x1, y1, x2, y2, score], ...]}}'
            )
        return by_image.get(int(stem), [])

    return boxes
