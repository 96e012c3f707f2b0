"""A web server on the loopback address that can misbehave as real ones do."""

import hashlib
import http.server
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


class FileServer:
    """Serves a folder.

    Attributes:
        folder: What is served.
        address: URL of the folder.
        requests: Path and first byte of each request so far.
        cuts: Bytes after which the next answers are cut; answers without an entry are whole.
        stalls: Seconds that the next answers pause in the middle.
        continues: Whether it can start in the middle of a file.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.requests: list[tuple[str, int]] = []
        self.cuts: list[int] = []
        self.stalls: list[float] = []
        self.continues = True
        self.address = ''

    def add(self, content: bytes, stem: str = 'net', suffix: str = '.pth', digits: str = '') -> str:
        """Serve a file under the name of its hash; returns its URL."""
        name = f'{stem}-{digits or hashlib.sha256(content).hexdigest()[:8]}{suffix}'
        (self.folder / name).write_bytes(content)
        return f'{self.address}/{name}'

    def answer(self, request: http.server.BaseHTTPRequestHandler) -> None:
        found = re.match(r'bytes=(\d+)-', request.headers.get('Range', ''))
        start = int(found[1]) if found and self.continues else 0
        self.requests.append((request.path, start))
        path = self.folder / request.path.lstrip('/')
        if not path.is_file():
            return request.send_error(404)
        content = path.read_bytes()
        if start and start >= len(content):
            return request.send_error(416)
        request.send_response(206 if start else 200)
        request.send_header('Content-Length', str(len(content) - start))
        request.end_headers()
        content = content[start:]
        if self.cuts:
            content = content[: self.cuts.pop(0)]
        middle = len(content) // 2
        request.wfile.write(content[:middle])
        time.sleep(self.stalls.pop(0) if self.stalls else 0)
        request.wfile.write(content[middle:])


@contextmanager
def serve(folder: Path) -> Iterator[FileServer]:
    """Start a server for a folder and stop it at the end."""
    files = FileServer(folder)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            with suppress(ConnectionError):  # the client gave up
                files.answer(self)

        def log_message(self, *args) -> None:
            pass

    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
    files.address = f'http://127.0.0.1:{server.server_port}'
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield files
    server.shutdown()
    server.server_close()
