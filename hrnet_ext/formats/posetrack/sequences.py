"""The videos of a split: in a folder with a file for each, or merged into one file."""

from pathlib import Path, PurePosixPath
from typing import Any

from hrnet_ext.formats.posetrack import fields
from hrnet_ext.reading import parse_json


def read_sequences(path: str | Path, what: str) -> dict[str, dict]:
    """The videos of a split, each as the dict of its JSON file.

    Args:
        path: A folder with a JSON file per video, named for it, or a file that holds them all as
            ``tools/convert_posetrack.py merge`` writes it.
        what: What it is to the user, for messages, such as ``annotation file``.

    Returns:
        By name, in the order of the names.

    Raises:
        FileNotFoundError: If there is no such file or folder.
        ValueError: If the folder has no JSON file, or a file is none of a video.
    """
    path = Path(path)
    if path.is_dir():
        return _read_folder(path, what)
    if not path.is_file():
        raise FileNotFoundError(f'{what} `{path}` does not exist')
    source = f'{what} `{path}`'
    return split_sequences(parse_json(path.read_bytes(), source), source)


def split_sequences(data: Any, source: str) -> dict[str, dict]:
    """The videos of a merged file, told apart by the folders of their frames.

    Args:
        data: A file in COCO's layout that holds any number of videos; records are taken as they
            are.
        source: What the file is, for messages.

    Raises:
        ValueError: If it is no such file, two folders have the same name, or an annotation is of
            an image that is not listed.
    """
    images = fields.require(data, 'images', source)
    videos: dict[str, dict] = {}
    folders: dict[str, str] = {}
    name_of = {}
    for index, image in enumerate(images):
        file_name = fields.require(image, 'file_name', f'{source}: images[{index}]')
        folder, name = video_of(file_name)
        if folders.setdefault(name, folder) != folder:
            raise ValueError(
                f"{source}: frames of '{folder}' and of '{folders[name]}' cannot be told apart, "
                'for a video is named for the last folder; rename one'
            )
        video = videos.setdefault(name, {'images': [], 'annotations': []})
        video['images'].append(image)
        name_of[fields.require(image, 'id', f'{source}: images[{index}]')] = name
    for index, annotation in enumerate(fields.require(data, 'annotations', source)):
        image_id = fields.require(annotation, 'image_id', f'{source}: annotations[{index}]')
        if image_id not in name_of:
            raise ValueError(
                f'{source}: annotations[{index}] is of image_id {image_id}, which images does not '
                'list; list the frame, or take the id from images'
            )
        videos[name_of[image_id]]['annotations'].append(annotation)
    categories = fields.require(data, 'categories', source)
    return {name: {**videos[name], 'categories': categories} for name in sorted(videos)}


def video_of(file_name: str) -> tuple[str, str]:
    """A frame's folder and the video's name: ``images/val/000342_mpii`` and ``000342_mpii``."""
    folder = PurePosixPath(file_name.replace('\\', '/')).parent
    return str(folder), folder.name


def _read_folder(folder: Path, what: str) -> dict[str, dict]:
    files = sorted(folder.glob('*.json'))
    if not files:
        raise ValueError(f'{what} `{folder}` has no .json file; name the folder of the videos')
    return {file.stem: parse_json(file.read_bytes(), f'{what} `{file}`') for file in files}
