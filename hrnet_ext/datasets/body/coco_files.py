"""Say what is wrong with a file in COCO's format, before a run stumbles over it.

These functions are called when reading has failed or found nothing; a healthy file is read once,
by the data set, and never looked at here.
"""

from hrnet_ext.datasets.body.files import check_records, read_json

IMAGE_FIELDS = ('id', 'file_name', 'width', 'height')
ANNOTATION_FIELDS = ('id', 'image_id', 'category_id')
DETECTION_FIELDS = ('image_id', 'category_id', 'bbox', 'score')


def check_annotations(path: str, what: str) -> None:
    """Check that a file is a COCO annotation file.

    Args:
        path: The annotation file.
        what: Its role and config key, for the message.

    Raises:
        ValueError: If it is not JSON, another kind of JSON, or a record lacks a field.
    """
    content = read_json(path, what)
    expected = 'a COCO annotation file is an object with images, annotations and categories'
    if not isinstance(content, dict):
        hint = ' (detection results? they belong to bbox_file)' if isinstance(content, list) else ''
        raise ValueError(f'{what} `{path}` holds a {type(content).__name__}, but {expected}{hint}')
    absent = [key for key in ('images', 'annotations', 'categories') if key not in content]
    if absent:
        raise ValueError(f'{what} `{path}` lacks {", ".join(absent)}; {expected}')
    check_records(content['images'], IMAGE_FIELDS, f'{what} `{path}`: images')
    check_records(content['annotations'], ANNOTATION_FIELDS, f'{what} `{path}`: annotations')
    for index, annotation in enumerate(content['annotations']):
        box = annotation.get('bbox', [0.0] * 4)
        if not isinstance(box, list) or len(box) != 4:
            raise ValueError(
                f'{what} `{path}`: annotations[{index}].bbox should be [x, y, w, h], but is {box!r}'
            )


def check_detections(path: str, image_ids: set[int], what: str) -> None:
    """Check that a file holds detected boxes of known images.

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
