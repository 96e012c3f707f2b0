"""The arguments of a rendered data set in a folder, and whether they are the requested ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hrnet_ext.synthetic.layouts.layout import Layout
from hrnet_ext.synthetic.spec import SPLITS

MANIFEST = 'synthetic.json'
UNNAMED_LAYOUT = {'layout': 'coco'}  # the first layout's manifests do not name it


def write_manifest(out: Path, layout: Layout) -> None:
    """Writes what the data set in ``out`` was made from, to know it again."""
    (out / MANIFEST).write_text(json.dumps(layout.manifest(), indent=2) + '\n')


def read_manifest(out: Path) -> dict[str, Any] | None:
    """The manifest of the data set in ``out``; None if there is nothing yet.

    Raises:
        FileExistsError: ``out`` is a file, or holds something else than a rendered data set.
    """
    if not out.exists():
        return None
    if not out.is_dir():
        raise FileExistsError(f'{out} is a file; choose a folder for the data set')
    if not any(out.iterdir()):
        return None
    try:
        manifest = json.loads((out / MANIFEST).read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        manifest = None
    if not isinstance(manifest, dict):
        raise FileExistsError(
            f'{out} holds files that are not a rendered data set; choose another folder'
        )
    return manifest


def check_same(out: Path, manifest: dict[str, Any], layout: Layout) -> None:
    """Raises FileExistsError unless ``out``, whose manifest is given, is what ``layout`` makes."""
    found, wanted = UNNAMED_LAYOUT | manifest, UNNAMED_LAYOUT | layout.manifest()
    if found['layout'] != wanted['layout']:  # whose arguments are others, too
        wanted = {'layout': wanted['layout']}
    changes = [
        f'{key} {found.get(key)} -> {value}'
        for key, value in wanted.items()
        if found.get(key) != value
    ]
    if changes:
        raise FileExistsError(
            f'{out} holds a data set made from other arguments ({", ".join(changes)}); '
            'choose another folder, or replace it with --overwrite'
        )
    for split in SPLITS:
        _check_whole(out, split, layout)


def _check_whole(out: Path, split: str, layout: Layout) -> None:
    found = sum(1 for _ in out.glob(layout.images(split)))
    wanted = layout.num_images(split)
    annotations = [out / name for name in layout.annotations(split)]
    missing = [path.name for path in annotations if not path.is_file()]
    if found == wanted and not missing:
        return
    which = ', '.join(missing) if missing else annotations[0].name
    raise FileExistsError(
        f'{out} is damaged: {found} of {wanted} {split} images, '
        f'{which} {"missing" if missing else "there"}; render it again with --overwrite'
    )
