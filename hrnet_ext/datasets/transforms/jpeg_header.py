"""Read the size of a JPEG from its header (ITU-T T.81, annex B)."""

JPEG = b'\xff\xd8'
EXIF = b'Exif\x00\x00'
SIZE_MARKERS = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}  # SOF0 ... SOF15, table B.1
SCAN_MARKER = 0xDA


def jpeg_shape(content: bytes) -> tuple[int, int] | None:
    """The image's height and width; None if it is not a JPEG, or EXIF data may rotate it.

    Args:
        content: Content of any file.
    """
    place, end = len(JPEG), len(content) - 9
    while content.startswith(JPEG) and place < end and content[place] == 0xFF:
        marker, length = content[place + 1], int.from_bytes(content[place + 2 : place + 4], 'big')
        if marker in SIZE_MARKERS:
            height, width = content[place + 5 : place + 7], content[place + 7 : place + 9]
            return int.from_bytes(height, 'big'), int.from_bytes(width, 'big')
        if marker == SCAN_MARKER or content[place + 4 : place + 10] == EXIF:
            return None
        place += 2 + length
    return None
