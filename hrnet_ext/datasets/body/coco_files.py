"""Say what is wrong with a file of detected boxes, before a run stumbles over it."""

from collections.abc import Hashable, Set

from hrnet_ext.datasets.body.files import check_records, read_json

DETECTION_FIELDS = ('image_id', 'category_id', 'bbox', 'score')


def check_detections(path: str, image_ids: Set[Hashable], what: str) -> list[dict]:
    """The boxes of a file of detections, which are of known images.

    Args:
        path: The file of detections.
        image_ids: Images of the annotation file.
        what: Its role and config key, for the message.

    Raises:
        ValueError: If it is not JSON, not a list of detections, or names an unknown image.
    """
    content = read_json(path, what)
    check_records(content, DETECTION_FIELDS, f'{what} `{path}`')
    for index, detection in enumerate(content):
        if detection['image_id'] not in image_ids:
            raise ValueError(
                f'{what} `{path}`: [{index}].image_id {detection["image_id"]!r} is not in the '
                'annotation file; boxes and annotations are of different data sets'
            )
        box = detection['bbox']
        if not isinstance(box, list) or len(box) < 4:
            raise ValueError(
                f'{what} `{path}`: [{index}].bbox should be [x, y, w, h], but is {box!r}'
            )
    return content
