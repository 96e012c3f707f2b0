"""Check files of PoseTrack18 before a run, with clear errors."""

from collections.abc import Mapping, Sequence

from hrnet_ext.formats.posetrack.fields import as_track_id

MERGE = 'python tools/convert_posetrack.py merge FOLDER_OF_VIDEOS --images DATA_ROOT --out FILE'


def check_layout(content: object, where: str) -> None:
    """Check that an annotation file is not one of PoseTrack's own files, one per video.

    Args:
        content: Content of the annotation file.
        where: Which file, for the message.

    Raises:
        ValueError: If it is one of them.
    """
    if not isinstance(content, Mapping):
        return
    if 'annolist' in content:
        raise ValueError(
            f'{where} is of one video, in the layout of PoseTrack17 (annolist); merge a '
            f"split's files: {MERGE}"
        )
    images = content.get('images')
    for index, image in enumerate(images if isinstance(images, list) else ()):
        absent = {'width', 'height'} - set(image)
        if absent:
            raise ValueError(
                f'{where}: images[{index}] has no {" and ".join(sorted(absent))}; '
                "PoseTrack18's own files, one per video, are like that: merge a split's files: "
                f'{MERGE}'
            )


def check_keypoint_names(
    categories: Sequence[Mapping], expected: Sequence[str], where: str
) -> None:
    """Check that an annotation file's keypoints are those of the data set, in its order.

    Args:
        categories: Categories of the annotation file.
        expected: The keypoints' names in the data set's metainfo.
        where: Which file, for the message.

    Raises:
        ValueError: If they are not.
    """
    found = list(categories[0].get('keypoints', ())) if categories else []
    if found == list(expected):
        return
    if sorted(found) == sorted(expected):
        index = next(i for i, pair in enumerate(zip(found, expected)) if pair[0] != pair[1])
        difference = f"in another order: number {index} is '{found[index]}'"
    else:
        difference = f'others: {found}'
    raise ValueError(
        f'{where}: categories[0].keypoints should be {list(expected)}, but are {difference}; '
        'correct the file, or give the data set the metainfo of its keypoints'
    )


def check_track_ids(detections: Sequence[Mapping], where: str) -> None:
    """Check the track IDs of detected boxes, if they have any.

    Args:
        detections: The boxes.
        where: Which file, for the message.

    Raises:
        ValueError: If an ID is not an integer, or two boxes of an image have the same ID.
    """
    seen: dict[tuple, int] = {}
    for index, detection in enumerate(detections):
        if detection.get('track_id') is None:
            continue
        track_id = as_track_id(detection['track_id'], f'{where}: [{index}]')
        first = seen.setdefault((detection['image_id'], track_id), index)
        if first != index:
            raise ValueError(
                f'{where}: [{index}] has the track_id {track_id} that [{first}] of the same image '
                f'{detection["image_id"]} has; give the people of an image different ids'
            )
