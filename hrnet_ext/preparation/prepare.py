"""Prepare a user's data set: check, split, audit, draw, and write a config that trains."""

from __future__ import annotations

import argparse
import os
from collections import Counter
from collections.abc import Container, Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from mmpose.datasets.datasets.utils import parse_pose_metainfo

from hrnet_ext.formats.boxes import size_of
from hrnet_ext.formats.coco import CocoContent, check_coco
from hrnet_ext.formats.files import missing_images, read_json
from hrnet_ext.preparation.audit import (
    People,
    duplicate_people,
    estimate_sigmas,
    outside_boxes,
    outside_keypoints,
    people_of,
    swapped_sides,
)
from hrnet_ext.preparation.config_text import Part, default_sigmas, make_metainfo, write_config
from hrnet_ext.preparation.mirror_pairs import mirror_pairs
from hrnet_ext.preparation.near_duplicates import group_images, image_hash, split_groups
from hrnet_ext.progress import progress_bar
from hrnet_ext.released import find_released
from hrnet_ext.visualization.comparison import contact_sheet
from hrnet_ext.visualization.files import read_image, write_image
from hrnet_ext.visualization.poses import Skeleton, Style, draw_poses
from hrnet_ext.writing import check_writable, write_atomically, write_json

SHOWN_IDS = 5
SHEET = 12  # images
SHEET_SIDE = 480  # pixels
BOX_SIDES = 'box side in pixels (10 %, median, 90 %)'


def prepare_dataset(args: argparse.Namespace) -> str:
    """Run ``tools/prepare_dataset.py``.

    Args:
        args: Its arguments.

    Returns:
        The audit, and the command that trains.

    Raises:
        ValueError, OSError: If an argument or a file is invalid. Nothing is written then.
    """
    out = Path(args.out)
    if out.suffix != '.py':
        raise ValueError(f'--out {out}: the name of a config ends in .py')
    folder = out.with_suffix('')
    if (out.exists() or folder.exists()) and not args.overwrite:
        raise ValueError(f'{out if out.exists() else folder} exists; --overwrite replaces it')
    check_writable(out.parent)
    ann_file, img_root = args.ann_file, args.img_root
    content = read_json(ann_file, 'annotation file')
    category = _category(content, ann_file, args.category)
    names = [str(name) for name in category['keypoints']]
    train = _checked(content, ann_file, img_root, names, category)
    skeleton = _skeleton(category, ann_file, len(names))
    partners = mirror_pairs(names, args.swap, ask=not args.no_swap)
    sizes = {image['id']: size_of(image) for image in train.images}
    usable = _usable(train)
    if not usable:
        raise ValueError(f'{ann_file}: no annotation of {category["name"]!r} has labeled keypoints')
    people = people_of(usable, sizes)

    hashes = _hashes(train.images, img_root)
    sigmas, source = _sigmas(args.sigmas, names, people)
    metainfo = make_metainfo(str(args.name or category['name']), names, skeleton, partners, sigmas)
    groups = group_images(hashes)
    parts, files = _parts(args, content, train, groups, folder, names, category)
    num_people = parts.pop('num_train')
    width, height = np.median(people.boxes[:, 2:], axis=0)
    several = len(content['categories']) > 1
    text = write_config(
        out,
        base=args.network,
        metainfo=metainfo,
        **parts,
        num_people=num_people,
        aspect=float(width / max(height, 1)),
        weights=_weights(args),
        category=category['name'] if several else None,
        needs_boxes=any('bbox' not in each for each in usable),
        needs_areas=any('area' not in each for each in usable),
        metrics=args.metrics,
    )
    pairs = [(names.index(a), names.index(b)) for a, b in _left_right(partners, names)]
    report = audit(train, people, np.array(sigmas), pairs, groups, hashes, names)
    report['sigmas'] = source
    report['mirror pairs'] = [f'{names[a]} - {names[b]}' for a, b in pairs]

    sheet = _sheet(train, people, hashes, img_root, metainfo)

    folder.mkdir(parents=True, exist_ok=True)
    for path, part in files.items():
        write_json(path, part)
    write_json(folder / 'audit.json', report, indent=2)
    write_image(folder / 'contact_sheet.png', sheet)
    write_atomically(out, text.encode())
    return (
        f'{format_audit(report)}\n\n'
        f'config         {out}\n'
        f'audit          {folder}/audit.json\n'
        f'contact sheet  {folder}/contact_sheet.png\n'
        f'train with     hrnet-ext train {out}'
    )


def audit(
    content: CocoContent,
    people: People,
    sigmas: np.ndarray,
    pairs: Sequence[tuple[int, int]],
    groups: Sequence[Sequence[str]],
    hashes: Mapping[str, np.ndarray],
    names: Sequence[str],
) -> dict[str, Any]:
    """Facts and suspicions about a data set, for people to read and as JSON.

    Args:
        content: The checked annotations.
        people: Its persons.
        sigmas: (K,) OKS constants.
        pairs: Indices of left and right keypoints.
        groups: Groups of nearly equal images.
        hashes: Hash of each readable image by file name.
        names: K names of keypoints.
    """
    annotated = Counter(people.image_ids)
    empty = [image['id'] for image in content.images if image['id'] not in annotated]
    sides = np.sqrt(np.maximum(np.prod(people.boxes[:, 2:], axis=1), 0))
    unreadable = [
        image['file_name'] for image in content.images if image['file_name'] not in hashes
    ]
    return {
        'images': len(content.images),
        'people': len(people.ids),
        'left out': str(content.left_out),
        'labeled keypoints, %': {
            name: round(100 * float(share), 1)
            for name, share in zip(names, people.visible.mean(axis=0))
        },
        BOX_SIDES: [round(float(value)) for value in np.percentile(sides, (10, 50, 90))],
        'images without people': empty,
        'unreadable images': unreadable,
        'near-duplicate images': [group for group in groups if len(group) > 1],
        'near-duplicate people': duplicate_people(people, sigmas),
        'boxes that leave the image': outside_boxes(people),
        'people with keypoints outside the image': outside_keypoints(people),
        'people whose left and right look swapped': swapped_sides(people, pairs),
    }


def format_audit(report: Mapping[str, Any]) -> str:
    """The audit as text; long lists are shortened."""
    lines = []
    for key, value in report.items():
        if isinstance(value, dict):
            value = ', '.join(f'{name} {share}' for name, share in value.items())
        elif isinstance(value, list):
            value = ', '.join(map(str, value)) if key == BOX_SIDES else _shortened(value)
        lines.append(f'{key}: {value}')
    return '\n'.join(lines)


def _shortened(values: Sequence[Any]) -> str:
    """The number of values and the first ones."""
    shown = ', '.join(map(str, values[:SHOWN_IDS]))
    more = ', ...' if len(values) > SHOWN_IDS else ''
    return f'{len(values)}' + (f' ({shown}{more})' if values else '')


def _category(content: Any, source: str, wanted: str | None) -> dict[str, Any]:
    """The category to use; it must list its keypoints."""
    categories = content.get('categories') if isinstance(content, dict) else None
    if not isinstance(categories, list) or not categories:
        raise ValueError(
            f'{source} has no categories; this command reads COCO keypoint annotations: '
            'images, annotations, categories'
        )
    named = [each for each in categories if each.get('keypoints')]
    if wanted is not None:
        named = [each for each in categories if each.get('name') == wanted]
        if not named:
            known = ', '.join(str(each.get('name')) for each in categories)
            raise ValueError(f'--category {wanted}: {source} has {known}')
    if len(named) > 1:
        known = ', '.join(str(each.get('name')) for each in named)
        raise ValueError(
            f'{source} has several categories with keypoints; choose with --category: {known}'
        )
    if not named or not named[0].get('keypoints'):
        raise ValueError(
            f'{source}: no category lists its keypoints; add "keypoints": [names] to the category, '
            'in the order of the annotations'
        )
    return named[0]


def _skeleton(
    category: Mapping[str, Any], source: str, num_keypoints: int
) -> list[tuple[int, int]]:
    """The limbs as pairs of indices from 0; COCO counts keypoints from 1."""
    limbs = category.get('skeleton') or []
    known = range(1, num_keypoints + 1)
    for index, limb in enumerate(limbs):
        if not (isinstance(limb, list) and len(limb) == 2 and all(end in known for end in limb)):
            raise ValueError(
                f'{source}: skeleton[{index}] is {limb!r}, but a limb is a list of two numbers '
                f'from 1 to {num_keypoints}, the positions of its keypoints'
            )
    return [(int(a) - 1, int(b) - 1) for a, b in limbs]


def _checked(
    content: Any, source: str, img_root: str, names: Sequence[str], category: Mapping
) -> CocoContent:
    found = check_coco(content, source, keypoints=names, category=category['name'])
    paths = [os.path.join(img_root, image['file_name']) for image in found.images]
    if missing := missing_images(paths):
        raise FileNotFoundError(
            f'{len(missing)} of {len(paths)} images of {source} are missing, such as '
            f'`{missing[0]}`; give the folder that file_name is relative to'
        )
    return found


def _usable(content: CocoContent) -> list[dict]:
    return [
        each
        for each in content.people
        if each.get('keypoints')
        and any(v > 0 for v in each['keypoints'][2::3])
        and not each.get('iscrowd')
    ]


def _hashes(images: Sequence[Mapping], img_root: str) -> dict[str, np.ndarray]:
    found = {}
    for image in progress_bar(len(images), 'image', 'reading', iterable=images):
        code = image_hash(os.path.join(img_root, image['file_name']))
        if code is not None:
            found[image['file_name']] = code
    return found


def _sigmas(
    given: Sequence[float] | None, names: Sequence[str], people: People
) -> tuple[list[float], str]:
    """OKS constants and where they are from."""
    if given:
        if len(given) != len(names):
            raise ValueError(f'--sigmas: {len(given)} values for {len(names)} keypoints')
        return list(given), 'given by --sigmas'
    defaults = default_sigmas(names)
    twice = duplicate_people(people, np.full(len(names), 0.1))
    estimated = estimate_sigmas(people, twice)
    if estimated is not None:
        return estimated.tolist(), f'estimated from {len(twice)} persons that are labeled twice'
    return defaults, (
        "COCO's values for keypoints with COCO's names, 0.05 for others; AP values are comparable "
        'only with the same sigmas'
    )


def _parts(
    args: argparse.Namespace,
    content: Any,
    train: CocoContent,
    groups: Sequence[Sequence[str]],
    folder: Path,
    names: Sequence[str],
    category: Mapping,
) -> tuple[dict[str, Any], dict[Path, Any]]:
    """Training and validation parts of the config, and the files to write for them."""
    ann_file, img_root = os.path.abspath(args.ann_file), os.path.abspath(args.img_root)
    if args.val:
        val_file, val_root = args.val
        val = _checked(
            read_json(val_file, 'annotation file (--val)'), val_file, val_root, names, category
        )
        if not _usable(val):
            raise ValueError(f'--val {val_file}: no annotation has labeled keypoints')
        part = Part(os.path.abspath(val_file), os.path.abspath(val_root))
        parts = {'train': Part(ann_file, img_root), 'val': part, 'num_train': len(_usable(train))}
        return parts, {}
    training, validation = split_groups(groups, args.val_fraction, seed=args.seed)
    by_name = {'train': training, 'val': validation}
    files = {folder / f'{part}.json': _only(content, chosen) for part, chosen in by_name.items()}
    ids = {image['id'] for image in train.images if image['file_name'] in training}
    num_train = sum(each['image_id'] in ids for each in _usable(train))
    if not 0 < num_train < len(_usable(train)):
        raise ValueError(
            f'--val-fraction {args.val_fraction} leaves {num_train} of {len(_usable(train))} '
            'persons for training; use another fraction, or --val'
        )
    parts = {
        part: Part(os.path.abspath(folder / f'{part}.json'), img_root) for part in ('train', 'val')
    }
    return {**parts, 'num_train': num_train}, files


def _only(content: Mapping[str, Any], names: set[str]) -> dict[str, Any]:
    """The annotation file of some of the images."""
    images = [image for image in content['images'] if image['file_name'] in names]
    ids = {image['id'] for image in images}
    annotations = [each for each in content['annotations'] if each['image_id'] in ids]
    return {**content, 'images': images, 'annotations': annotations}


def _weights(args: argparse.Namespace) -> str | None:
    if args.weights == 'none':
        return None
    if args.weights:
        return args.weights
    released = find_released(args.network)
    return released.url if released else None


def _left_right(partners: Mapping[str, str], names: Sequence[str]) -> list[tuple[str, str]]:
    return [
        (a, partners[a])
        for a in names
        if a in partners and names.index(a) < names.index(partners[a])
    ]


def _sheet(
    content: CocoContent,
    people: People,
    readable: Container[str],
    img_root: str,
    metainfo: Mapping[str, Any],
) -> np.ndarray:
    """Evenly chosen images with their annotations; those that cannot be read are left out."""
    style = Style(Skeleton.of(parse_pose_metainfo(dict(metainfo))))
    names = {image['id']: image['file_name'] for image in content.images}
    by_image = {
        image_id: rows
        for image_id, rows in people.rows_by_image().items()
        if names[image_id] in readable
    }
    shown = list(by_image)[:: max(1, len(by_image) // SHEET)][:SHEET]
    drawings = []
    for image_id in shown:
        image = read_image(os.path.join(img_root, names[image_id]))
        rows = by_image[image_id]
        drawn = draw_poses(
            image,
            {
                'keypoints': people.keypoints[rows],
                'keypoints_visible': people.visible[rows].astype(float),
            },
            style,
        )
        scale = SHEET_SIDE / max(drawn.shape[:2])
        size = (max(1, round(drawn.shape[1] * scale)), max(1, round(drawn.shape[0] * scale)))
        drawings.append(cv2.resize(drawn, size, interpolation=cv2.INTER_AREA))
    return contact_sheet(drawings, num_columns=4)
