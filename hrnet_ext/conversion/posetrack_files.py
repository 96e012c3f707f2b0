"""Merge the files of a PoseTrack split."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from PIL import Image

from hrnet_ext.conversion.posetrack17 import to_posetrack18
from hrnet_ext.conversion.posetrack_merge import merge_sequences
from hrnet_ext.formats.posetrack.fields import require
from hrnet_ext.formats.posetrack.reading import read_ground_truth
from hrnet_ext.formats.posetrack.sequences import read_sequences, video_of
from hrnet_ext.writing import write_json


def merge_folder(
    folder: Path,
    images: Path,
    out: Path,
    *,
    checked: bool = True,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> dict[str, int]:
    """Write the videos of a split as one file.

    A video has the name of the folder of its frames, which in PoseTrack17 differs from that of its
    file. All frames of a video have the same size, which is read from the first and the last
    labeled frame.

    Args:
        folder: Folder with a JSON file per video, in PoseTrack18's layout or in PoseTrack17's.
        images: The folder that the image names in these files are relative to.
        out: File to write.
        checked: Whether to check everything that the evaluation will need, such as ignore regions
            and head boxes.
        progress: Called with the numbers of finished and of all videos.

    Returns:
        The numbers of 'videos', 'frames', 'labelled' frames and 'people'.

    Raises:
        FileNotFoundError: If the folder or a frame does not exist.
        ValueError: If a file is invalid, or two files share a video or an id.
    """
    found = read_sequences(folder, 'folder of videos')
    sequences: dict[str, Mapping] = {}
    files: dict[str, str] = {}
    sizes = {}
    for number, (stem, content) in enumerate(found.items(), start=1):
        file = f'`{Path(folder) / stem}.json`'
        data = _as_2018(content, stem, checked)
        frames = require(data, 'images', file)
        name = _video(frames, file)
        if name in sequences:
            raise ValueError(f"{file} is of the video '{name}', and so is {files[name]}; keep one")
        files[name], sequences[name] = file, data
        labelled = {each.get('image_id') for each in require(data, 'annotations', file)}
        shown = [frame for frame in frames if frame.get('id') in labelled] or frames
        sizes[name] = _frame_size([Path(images) / each['file_name'] for each in shown], file)
        progress(number, len(found))
    merged = merge_sequences(sequences, sizes)
    write_json(out, merged)
    return {
        'videos': len(sequences),
        'frames': len(merged['images']),
        'labelled': len({each['image_id'] for each in merged['annotations']}),
        'people': len(merged['annotations']),
    }


def _as_2018(data: Mapping, stem: str, checked: bool) -> Mapping:
    """A video's content in PoseTrack18's layout."""
    if checked:
        read_ground_truth(data, stem)
    if isinstance(data, Mapping) and 'annolist' in data:
        return to_posetrack18(data, f"sequence '{stem}'")
    return data


def _video(frames: Sequence[Mapping], file: str) -> str:
    """The name of the video that all frames belong to."""
    names = {video_of(require(frame, 'file_name', f'{file}: images'))[1] for frame in frames}
    if len(names) != 1:
        raise ValueError(f'{file} should be of one video, but its frames are of {sorted(names)}')
    return names.pop()


def _frame_size(paths: Sequence[Path], file: str) -> tuple[int, int]:
    """(w, h) of a video's frames, from the headers of the first and the last."""
    sizes = {}
    for path in (paths[0], paths[-1]):
        try:
            with Image.open(path) as image:
                sizes[image.size] = path
        except FileNotFoundError:
            raise FileNotFoundError(
                f'{file}: the frame `{path}` does not exist; --images should name the folder that '
                "the files' image names are relative to"
            ) from None
        except OSError as error:  # not an image, or damaged
            raise ValueError(f'{file}: the frame `{path}` is not an image: {error}') from None
    if len(sizes) > 1:
        listed = ', '.join(f'`{path}` is {w} x {h}' for (w, h), path in sizes.items())
        raise ValueError(f'{file}: frames of a video should have one size, but {listed}')
    return next(iter(sizes))
