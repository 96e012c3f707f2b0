"""Read a file with an error that says what is wrong with it; needs nothing but Python."""

import json
from typing import Any


def parse_json(content: bytes, source: str) -> Any:
    """What a JSON file holds.

    Args:
        content: The file's.
        source: What and which file it is; opens the error message.

    Raises:
        ValueError: If it is not JSON; names the position.
    """
    try:
        return json.loads(content)
    except UnicodeDecodeError as error:
        raise ValueError(
            f'{source} is not JSON: byte {error.start} is not text '
            '(an archive or an image? unpack it, or name the .json file)'
        ) from error
    except json.JSONDecodeError as error:
        raise ValueError(
            f'{source} is not JSON: {error.msg} at line {error.lineno}, column '
            f'{error.colno} (character {error.pos}); a broken download? fetch it again'
        ) from error
