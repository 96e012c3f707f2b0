"""Selection of MPII's training persons for validation. Indices are 0-based."""

from dataclasses import dataclass

from mmengine.fileio import exists, get

from hrnet_ext.conversion.mpii_release import Release
from hrnet_ext.formats.mat_files import read_mat

WHAT = 'validation split (--images-val)'
TOMPSON_INDICES = ('RELEASE_img_index', 'RELEASE_person_index')
SHOWN = 5  # names in a message


@dataclass(frozen=True)
class ImageSplit:
    """All persons of some images are used for validation.

    Attributes:
        where: Name of the split in messages.
        names: The images' file names.
    """

    where: str
    names: frozenset[str]

    def check(self, release: Release) -> None:
        """Check that the images are training images of a release.

        Raises:
            ValueError: If they are not; gives their number and some names.
        """
        _refuse(self.where, self.names.difference(release.names), 'are not in the annotations')
        tested = {name for name, train in zip(release.names, release.is_train) if not train}
        _refuse(self.where, self.names & tested, "are the test set's")

    def part_of(self, release: Release, image: int, rectangle: int) -> str | None:
        """'train' or 'val'."""
        return 'val' if release.names[image] in self.names else 'train'


@dataclass(frozen=True)
class PeopleSplit:
    """Some persons are used for validation; others in their images are not used at all.

    Attributes:
        where: Name of the split in messages.
        people: (image, rectangle) of each.
    """

    where: str
    people: frozenset[tuple[int, int]]
    images: frozenset[int]

    def check(self, release: Release) -> None:
        """As :meth:`ImageSplit.check`."""
        training = {image for image, train in enumerate(release.is_train) if train}
        strange = {f'annolist({image + 1})' for image in self.images - training}
        _refuse(self.where, strange, 'are not in the annotations, or not for training')

    def part_of(self, release: Release, image: int, rectangle: int) -> str | None:
        """'train', 'val', or None for other persons in validation images."""
        if image not in self.images:
            return 'train'
        return 'val' if (image, rectangle) in self.people else None


Split = ImageSplit | PeopleSplit


def read_split(path: str) -> Split:
    """Read a split from a text file of image names, one a line, or from Tompson's detections.mat.

    The latter lists the 2,958 validation persons of the papers; their code often includes it.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is neither, or is empty.
    """
    where = f'{WHAT} `{path}`'
    if path.endswith('.mat'):
        return _read_people(path, where)
    if not exists(path):
        raise FileNotFoundError(f'{where} does not exist; give one image name a line')
    try:
        lines = get(path).decode().split('\n')
    except UnicodeDecodeError as error:
        raise ValueError(
            f'{where} is not text (byte {error.start}); give one image name a line'
        ) from error
    names = frozenset(name for name in map(str.strip, lines) if name)
    if not names:
        raise ValueError(f'{where} names no image; give one a line')
    return ImageSplit(where, names)


def _read_people(path: str, where: str) -> PeopleSplit:
    cure = "Tompson's detections.mat has the validation people's indices"
    found = read_mat(path, WHAT, TOMPSON_INDICES, cure)
    images, rectangles = ((found[name].ravel().astype(int) - 1) for name in TOMPSON_INDICES)
    if len(images) != len(rectangles) or not len(images):
        raise ValueError(f'{where} has {len(images)} images of {len(rectangles)} people; {cure}')
    people = frozenset(zip(images.tolist(), rectangles.tolist()))
    return PeopleSplit(where, people, frozenset(images.tolist()))


def _refuse(where: str, names: frozenset[str] | set[str], reason: str) -> None:
    if names:
        shown = ', '.join(sorted(names)[:SHOWN])
        more = ', ...' if len(names) > SHOWN else ''
        raise ValueError(f'{where}: {len(names)} images {reason}: {shown}{more}')
