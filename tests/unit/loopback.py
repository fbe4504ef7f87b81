"""A real HTTP server on the loopback interface that behaves, and misbehaves, as told."""

import base64
import http.server
import threading
import time
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import unquote


@dataclass
class File:
    """What the server says to GETs of one path; lists give the behaviour of the first requests, one after the other.

    statuses: refuse with these; cuts: close the connection after so many bytes of the body; pauses: wait so many
    seconds in the middle of the body; ranges: whether Range is understood; etags: of successive requests.
    """

    body: bytes = b""
    kind: str = "application/octet-stream"
    statuses: list[int] = field(default_factory=list)
    cuts: list[int] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)
    etags: list[str] = field(default_factory=list)
    ranges: bool = True
    etag: str = '"v1"'
    user: str = ""
    password: str = ""
    redirect: str = ""
    headers: dict[str, str] = field(default_factory=dict)


class Server(http.server.ThreadingHTTPServer):
    """Serves `files` by path, and keeps the headers of each request to a path in `requests`."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files: dict[str, File] = {}
        self.requests: dict[str, list[dict[str, str]]] = defaultdict(list)

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_port}/{path}"


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        path = unquote(self.path.split("?")[0].lstrip("/"))
        self.server.requests[path].append(dict(self.headers))
        file = self.server.files.get(path)
        if file is None:
            return self._refuse(404)
        if file.statuses:
            return self._refuse(file.statuses.pop(0), file.headers)
        if file.redirect:
            return self._refuse(302, {"Location": file.redirect})
        if file.user:
            expected = base64.b64encode(f"{file.user}:{file.password}".encode()).decode()
            if self.headers.get("Authorization") != f"Basic {expected}":
                return self._refuse(401)
        etag = file.etags.pop(0) if file.etags else file.etag
        start = 0
        if file.ranges and "Range" in self.headers and self.headers.get("If-Range") in (None, etag):
            start = int(self.headers["Range"].removeprefix("bytes=").rstrip("-"))
        body = file.body[start:]
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(file.body) - 1}/{len(file.body)}")
        self.send_header("Content-Type", file.kind)
        self.send_header("Content-Length", str(len(body)))
        if etag:
            self.send_header("ETag", etag)
        self.end_headers()
        if file.cuts:
            body = body[: file.cuts.pop(0)]
            self.close_connection = True
        if file.pauses:
            self.wfile.write(body[: len(body) // 2])
            self.wfile.flush()
            time.sleep(file.pauses.pop(0))
            body = body[len(body) // 2 :]
        try:
            self.wfile.write(body)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def _refuse(self, status, headers=None):
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        """Tests read `requests` instead."""


@contextmanager
def serving():
    """A running server, which ends with the block."""
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
