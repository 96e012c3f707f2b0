"""The annotation file that a COCO metric compares with."""

from hrnet_ext.datasets.body.coco_files import check_annotations
from hrnet_ext.datasets.body.files import read_json
from hrnet_ext.evaluation.coco_ground_truth import ground_truth_of

ANN_FILE = 'annotation file (val_evaluator.ann_file, test_evaluator.ann_file)'


def read_truth(path: str, num_keypoints: int, *, use_area: bool) -> dict:
    """The ground truth in a COCO annotation file.

    Args:
        path: The file.
        num_keypoints: K.
        use_area: Take the annotated areas; False for 0.53 of the box.

    Raises:
        ValueError: If the file is of another kind, or lacks what the evaluation needs.
    """
    content = read_json(path, ANN_FILE)
    if isinstance(content, dict) and 'images' in content and 'annotations' not in content:
        raise ValueError(
            f'{ANN_FILE} `{path}` holds images without annotations (a test set?), so nothing can '
            'be evaluated; test_evaluator.format_only=True '
            'test_evaluator.outfile_prefix=FOLDER/NAME write the predictions instead'
        )
    try:
        return ground_truth_of(content, num_keypoints, use_area=use_area)
    except (KeyError, TypeError, AttributeError):
        check_annotations(path, ANN_FILE)
        raise
    except ValueError as error:
        raise ValueError(f'{ANN_FILE} `{path}`: {error}') from error
