"""Convert MPII's official annotations to the files that :class:`MpiiDataset` reads.

Positions are 1-based in the release and 0-based in the output.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hrnet_ext.conversion.mpii_release import NUM_KEYPOINTS, Rectangle, Release
from hrnet_ext.conversion.mpii_split import Split
from hrnet_ext.formats.mpii import COORDINATES, FORMAT, VERSION
from hrnet_ext.writing import write_json

UNKNOWN = -1.0  # coordinates of a joint that is not annotated
DECIMALS = 6  # finer than the release's numbers, without rounding errors of the subtraction
PARTS = ('train', 'val', 'trainval', 'test')


@dataclass(frozen=True)
class Conversion:
    """The result of a conversion.

    Attributes:
        people: Records of the files train, val, trainval and test; val only with a split.
        left_out: Numbers of persons that were not written, by reason.
    """

    people: Mapping[str, list[dict]]
    left_out: Counter[str]


def convert_release(
    release: Release, split: Split | None = None, *, single_person_only: bool = False
) -> Conversion:
    """Sort the persons of a release into train, val, trainval and test.

    Args:
        release: MPII's annotations.
        split: Persons for validation; without it train and trainval both contain all persons
            outside the test set.
        single_person_only: Drop persons who are close to others.

    Raises:
        ValueError: If an annotation is invalid or the split has other images; names them.
    """
    if split is not None:
        split.check(release)
    parts: dict[str, list[dict]] = {'train': [], 'val': [], 'trainval': [], 'test': []}
    left_out: Counter[str] = Counter()
    number = 0
    for image, name in enumerate(release.names):
        for index, rectangle in enumerate(release.rectangles(image)):
            single = index in release.single_person[image]
            reason = _reason_to_leave_out(rectangle, bool(release.is_train[image]))
            if reason is None and single_person_only and not single:
                reason = 'not a single person'
            part = _part(release, split, image, index)
            if reason is None and part is None:
                reason = 'beside the validation people'
            if reason is not None:
                left_out[reason] += 1
                continue
            person = {
                'id': number,
                'image': name,
                **_person(rectangle),
                'single_person': single,
                'image_index': image,
                'rectangle': index,
            }
            parts[part].append(person)
            number += 1
    parts['trainval'] = sorted([*parts['train'], *parts['val']], key=lambda person: person['id'])
    if split is None:
        del parts['val']
    return Conversion(parts, left_out)


def annotation_path(folder: Path, part: str) -> Path:
    """The file of train, val, trainval or test."""
    return folder / f'mpii_{part}.json'


def write_annotations(folder: Path, conversion: Conversion, description: str) -> None:
    """Write mpii_train.json and so on.

    Args:
        folder: Output folder; created if needed.
        conversion: The persons.
        description: Source of the annotations.

    Raises:
        OSError: If a file cannot be written.
    """
    info = {
        'format': FORMAT,
        'version': VERSION,
        'coordinates': COORDINATES,
        'description': description,
    }
    for part, people in conversion.people.items():
        write_json(annotation_path(folder, part), {'info': info, 'people': people})


def describe(conversion: Conversion, folder: Path) -> str:
    """A summary of written and dropped persons, one line each."""
    lines = []
    for part, people in conversion.people.items():
        images = {person['image'] for person in people}
        lines.append(
            f'{annotation_path(folder, part)}: {len(people)} people in {len(images)} images'
        )
    lines += [f'left out: {n} people {reason}' for reason, n in conversion.left_out.most_common()]
    headless = sum('head_box' not in person for person in conversion.people['trainval'])
    if headless:
        lines.append(
            f'{headless} training people have no head box; PCKh cannot be measured on them'
        )
    if 'val' not in conversion.people:
        lines.append('no --images-val: no image is held out, train and trainval are the same')
    return '\n'.join(lines)


def _reason_to_leave_out(rectangle: Rectangle, is_train: bool) -> str | None:
    if not rectangle.is_located:
        return 'without position or size'
    return 'without keypoints' if is_train and not rectangle.joints else None


def _part(release: Release, split: Split | None, image: int, rectangle: int) -> str | None:
    if not release.is_train[image]:
        return 'test'
    return 'train' if split is None else split.part_of(release, image, rectangle)


def _person(rectangle: Rectangle) -> dict:
    """The annotation of a person with position and size, 0-based."""
    joints = [rectangle.joints.get(number) for number in range(NUM_KEYPOINTS)]
    box = {} if rectangle.head_box is None else {'head_box': _zero_based(rectangle.head_box)}
    return {
        'joints': [[UNKNOWN, UNKNOWN] if joint is None else _zero_based(joint) for joint in joints],
        'joints_vis': [int(joint is not None) for joint in joints],
        'center': _zero_based(rectangle.center),
        'scale': rectangle.scale,
        **box,
    }


def _zero_based(numbers: tuple[float, ...]) -> list[float]:
    return [round(number - 1, DECIMALS) for number in numbers]
