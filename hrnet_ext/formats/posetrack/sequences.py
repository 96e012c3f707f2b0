"""The videos of a split: a folder with one file each, or one merged file."""

from pathlib import Path, PurePosixPath
from typing import Any

from hrnet_ext.formats.posetrack import fields
from hrnet_ext.reading import parse_json


def read_sequences(path: str | Path, what: str) -> dict[str, dict]:
    """The videos of a split, each as the dict of its JSON file.

    Args:
        path: A folder with a JSON file per video, named after it, or one file with all videos, as
            written by ``tools/convert_posetrack.py merge``.
        what: Its name in messages, such as ``annotation file``.

    Returns:
        The videos by name, sorted by name.

    Raises:
        FileNotFoundError: If there is no such file or folder.
        ValueError: If the folder has no JSON file, or a file is not the file of a video.
    """
    path = Path(path)
    if path.is_dir():
        return _read_folder(path, what)
    if not path.is_file():
        raise FileNotFoundError(f'{what} `{path}` does not exist')
    source = f'{what} `{path}`'
    return split_sequences(parse_json(path.read_bytes(), source), source)


def split_sequences(data: Any, source: str) -> dict[str, dict]:
    """Split a merged file into videos, by the folders of the frames.

    Args:
        data: Content in COCO's layout with any number of videos; records are not changed.
        source: Name of the file, for messages.

    Raises:
        ValueError: If the content is invalid, two folders have the same name, or an annotation
            has an unknown image id.
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
                f"{source}: frames of '{folder}' and of '{folders[name]}' cannot be distinguished, "
                'because a video has the name of the last folder; rename one'
            )
        video = videos.setdefault(name, {'images': [], 'annotations': []})
        video['images'].append(image)
        name_of[fields.require(image, 'id', f'{source}: images[{index}]')] = name
    for index, annotation in enumerate(fields.require(data, 'annotations', source)):
        image_id = fields.require(annotation, 'image_id', f'{source}: annotations[{index}]')
        if image_id not in name_of:
            raise ValueError(
                f'{source}: annotations[{index}] has image_id {image_id}, which is not in '
                'images; list the frame, or correct the id'
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
        raise ValueError(
            f'{what} `{folder}` has no .json file; use the folder with the files of the videos'
        )
    return {file.stem: parse_json(file.read_bytes(), f'{what} `{file}`') for file in files}
