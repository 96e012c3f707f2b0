"""Compare the size of a decoded image with the annotated size."""

ROUNDING = 1  # pixel by which tools that resize images differ
TURNED = (
    "width and height are exchanged, so the file's EXIF orientation was applied on one side only; "
    "if the annotations are of the pixels as stored, set color_type='color_ignore_orientation' of "
    'LoadImage, else annotate the image as it is shown'
)
RESIZED = (
    'is it a resized copy, or another image of that name? Use the images that were annotated, or '
    'multiply their annotations, width and height by the same factors'
)


def check_size(path: str, annotated: tuple[int, int] | None, decoded: tuple[int, int]) -> None:
    """Compare an image's size with that in the annotation file.

    Annotated boxes and keypoints are in pixels of the annotated size, so crops from an image of
    another size are wrong.

    Args:
        path: The image, for the message.
        annotated: (h, w) of the annotation file; None if it is not known.
        decoded: (h, w) of the image as it was read.

    Raises:
        ValueError: If they differ by more than a pixel.
    """
    if annotated is None or _same(annotated, decoded):
        return
    cause = TURNED if _same(annotated[::-1], decoded) else RESIZED
    raise ValueError(
        f'image `{path}` is {decoded[1]} x {decoded[0]} pixels (width x height), but the '
        f'annotation file says {annotated[1]} x {annotated[0]}: {cause}'
    )


def _same(size: tuple[int, int], other: tuple[int, int]) -> bool:
    return all(abs(a - b) <= ROUNDING for a, b in zip(size, other))
