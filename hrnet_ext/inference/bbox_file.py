"""Write a file of detected person boxes in COCO's result format; interrupted runs can continue.

During the run, ``OUT.partial`` contains one line of settings and then one line of boxes per image.
Complete lines are not computed again. The file itself is written at the end, atomically.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from torch.utils.data import DataLoader, Dataset

from hrnet_ext.datasets.body.mpii import image_ids
from hrnet_ext.datasets.body.mpii_files import parse_people
from hrnet_ext.engine.run_config import parse_options
from hrnet_ext.formats.boxes import PERSON
from hrnet_ext.formats.coco import check_ids
from hrnet_ext.formats.files import missing_images, read_json
from hrnet_ext.inference.detector import PersonDetector
from hrnet_ext.inference.result_settings import check_same, config_mark, file_mark
from hrnet_ext.progress import progress_bar
from hrnet_ext.reading import check_records
from hrnet_ext.writing import PARTIAL_SUFFIX, write_json


@dataclass(frozen=True)
class Image:
    """An image of a data set: its id there and its file."""

    id: int | str
    path: str


def detect_people(args: argparse.Namespace) -> int:
    """Run ``tools/make_bbox_file.py``; returns the number of boxes.

    Args:
        args: Its arguments.

    Raises:
        ValueError, OSError: If an argument or a file is invalid.
    """
    images = read_images(args.ann, args.img_root)
    settings = {
        'config': config_mark(args.config),
        'checkpoint': file_mark(args.checkpoint),
        'ann': file_mark(args.ann),
        'img_root': os.path.realpath(args.img_root),
        **{name: getattr(args, name) for name in ('score_thr', 'nms_thr', 'person_class')},
        'cfg_options': args.cfg_options,
    }
    detector = PersonDetector(
        args.config,
        args.checkpoint,
        device=args.device,
        score_thr=args.score_thr,
        nms_thr=args.nms_thr,
        person_class=args.person_class,
        cfg_options=parse_options(args.cfg_options),
    )
    with progress_bar(len(images), 'image') as bar:
        return make_bbox_file(
            detector,
            images,
            args.out,
            settings=settings,
            batch_size=args.batch_size,
            num_workers=args.num_workers,
            progress=lambda done, _: bar.update(done - bar.n),
        )


def read_images(ann_file: str, img_root: str) -> list[Image]:
    """The images of an annotation file, each once.

    Args:
        ann_file: Annotations of COCO, PoseTrack18 (one file a split) or MPII.
        img_root: Folder that the file's image names are relative to.

    Raises:
        ValueError: If it is not such a file; the message names it.
        FileNotFoundError: If images are missing.
    """
    what = 'annotation file (--ann)'
    content = read_json(ann_file, what)
    if isinstance(content, Mapping) and 'images' in content:
        entries = content['images']
        check_records(entries, ('id', 'file_name'), f'{what} `{ann_file}`: images')
        check_ids([entry['id'] for entry in entries], f'{what} `{ann_file}`: images')
        names = {entry['id']: entry['file_name'] for entry in entries}
    else:
        people = parse_people(content, f'{what} `{ann_file}`')
        names = dict(zip(image_ids(people.images), people.images))
    images = [Image(id_, os.path.join(img_root, name)) for id_, name in names.items()]
    missing = missing_images(image.path for image in images)
    if missing:
        raise FileNotFoundError(
            f'{len(missing)} of {len(images)} images of `{ann_file}` are missing, such as '
            f'`{missing[0]}`; name the folder they are in: --img-root'
        )
    return images


def make_bbox_file(
    detector: PersonDetector,
    images: Sequence[Image],
    out: str | os.PathLike[str],
    *,
    settings: Mapping[str, Any],
    batch_size: int = 8,
    num_workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> int:
    """Detect people in all images and write their boxes.

    Args:
        detector: The detector.
        images: The images.
        out: The file to write: a list of ``image_id``, ``category_id``, ``bbox`` (x, y, w, h) and
            ``score``, with the images in the given order and the best box of an image first.
        settings: Everything that the boxes depend on; a run continues only with equal settings.
        batch_size: Images in a forward pass.
        num_workers: Processes that read images.
        progress: Called with the number of finished images and of all images.

    Returns:
        The number of boxes.

    Raises:
        ValueError: If the unfinished file was made with other settings.
        OSError: If it cannot be written.
    """
    partial = Path(f'{os.fspath(out)}{PARTIAL_SUFFIX}')
    done = _read_partial(partial, settings)
    left = [image for image in images if image.id not in done]
    if progress:
        progress(len(images) - len(left), len(images))
    with partial.open('a') as file:
        if not partial.stat().st_size:
            file.write(f'{json.dumps(dict(settings))}\n')
        for batch in _detected(detector, left, batch_size, num_workers):
            lines = [json.dumps([image_id, boxes.tolist()]) for image_id, boxes in batch.items()]
            file.write(''.join(f'{line}\n' for line in lines))
            file.flush()
            done.update(batch)
            if progress:
                progress(len(done), len(images))
    records = [record for image in images for record in _records(image.id, done[image.id])]
    write_json(out, records)
    partial.unlink()
    return len(records)


class _Inputs(Dataset):
    """The detector's inputs, prepared in the processes of the data loader."""

    def __init__(self, detector: PersonDetector, images: Sequence[Image]) -> None:
        self._prepare, self._images = detector.prepare, images

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, index: int) -> dict:
        return self._prepare(self._images[index].path)


def _detected(
    detector: PersonDetector, images: Sequence[Image], batch_size: int, num_workers: int
) -> Iterator[dict[int, np.ndarray]]:
    """Boxes of a batch of images by image id."""
    loader = DataLoader(
        _Inputs(detector, images), batch_size, num_workers=num_workers, collate_fn=list
    )
    for index, inputs in enumerate(loader):
        ids = [image.id for image in images[index * batch_size :][: len(inputs)]]
        yield dict(zip(ids, detector.detect(inputs), strict=True))


def _read_partial(partial: Path, settings: Mapping[str, Any]) -> dict[int, np.ndarray]:
    """Boxes by image id of an interrupted file; its last line, if cut short, is removed."""
    if not partial.exists():
        partial.parent.mkdir(parents=True, exist_ok=True)
        return {}
    text = partial.read_text()
    whole = text[: text.rfind('\n') + 1]
    if whole != text:
        os.truncate(partial, len(whole.encode()))
    lines = whole.splitlines()
    if not lines:
        return {}
    check_same(
        json.loads(lines[0]),
        settings,
        f'{partial} is of an interrupted run',
        'repeat it with those, or delete the file to start again',
    )
    entries = (json.loads(line) for line in lines[1:])
    return {id_: np.array(boxes, np.float32).reshape(-1, 5) for id_, boxes in entries}


def _records(image_id: int, boxes: np.ndarray) -> list[dict[str, Any]]:
    return [
        {
            'image_id': image_id,
            'category_id': PERSON,
            'bbox': [round(float(value), 2) for value in (x1, y1, x2 - x1, y2 - y1)],
            'score': round(float(score), 5),
        }
        for x1, y1, x2, y2, score in boxes
    ]
