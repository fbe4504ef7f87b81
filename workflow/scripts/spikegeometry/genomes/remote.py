"""Files behind URLs: retried, resumed where the connection was cut, checked, and kept in a cache."""

import hashlib
import io
import json
import logging
import os
import re
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote, urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.auth import HTTPBasicAuth
from urllib3.util.retry import Retry

from spikegeometry.errors import InputError

RETRIED_STATUSES = (408, 429, 500, 502, 503, 504)
# Also what archives answer for a list of records of which one is withdrawn, or that is too long.
NOT_FOUND_STATUSES = (400, 404, 410, 414, 422)
# What a connection that was cut, or stays silent, raises while its body is read.
CUT_ERRORS = (urllib3.exceptions.HTTPError, requests.RequestException, OSError)
COPY_SIZE = 1 << 20
PARTIAL = ".partial-"

logger = logging.getLogger(__name__)


class NotFound(InputError):
    """The server has nothing under a URL."""


@dataclass(frozen=True)
class Credentials:
    """Names of the environment variables that hold user and password; the values are read when they are sent."""

    user_variable: str
    password_variable: str

    def read(self) -> tuple[bytes, bytes]:
        """User and password as UTF-8. Raises InputError naming a variable that is not set."""
        for variable in (self.user_variable, self.password_variable):
            if not os.environ.get(variable):
                raise InputError(f"The environment variable {variable} is not set. Export it before the run.")
        return os.environ[self.user_variable].encode(), os.environ[self.password_variable].encode()


class Remote:
    """Reads URLs (http, https, file) and plain paths.

    retries: attempts after the first, each after a longer wait (`backoff` seconds, doubled each time, or as long as the
    server asks for); timeout: seconds without a byte after which a connection counts as cut; cache: folder of fetched
    files, which any number of runs may share; offline: whether only what is in the cache may be used;
    per_second: most requests in a second.
    """

    def __init__(
        self,
        cache: str | os.PathLike,
        retries: int = 5,
        backoff: float = 1.0,
        timeout: float = 60.0,
        offline: bool = False,
        per_second: float = 10.0,
    ):
        self._cache, self._retries, self._backoff, self._timeout = Path(cache), retries, backoff, timeout
        self._offline, self._interval, self._last = offline, 1 / per_second, 0.0
        policy = Retry(
            total=retries,
            status_forcelist=RETRIED_STATUSES,
            backoff_factor=backoff,
            backoff_max=300,
            allowed_methods=["GET"],
            raise_on_status=False,
        )
        self._session = requests.Session()
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, HTTPAdapter(max_retries=policy))

    @contextmanager
    def open(self, url: str, credentials: Credentials | None = None) -> Iterator[BinaryIO]:
        """Read the body of a URL as a stream that survives cut connections. Nothing is kept.

        Raises InputError, also while it is read, where the server refuses or the connection stays cut.
        """
        local = local_path(url)
        if local is None and self._offline:
            raise InputError(f"{url} is to be read as a stream, and network.offline is set. Give a file:// URL.")
        raw = io.FileIO(_existing(local)) if local else _ResumedBody(self, url, credentials)
        with io.BufferedReader(raw, COPY_SIZE) as file:
            yield file

    def fetch(self, url: str, sha256: str | None = None, credentials: Credentials | None = None) -> Path:
        """A local file with the body of a URL, from the cache where it is there.

        What the server says of the size is checked, and the SHA-256 where it is known; beside the file stands a JSON
        with its URL, size, SHA-256 and time. Delete the file to have it fetched anew. Two runs may fetch the same file
        at once: each writes its own, and the last one stays.

        Raises InputError where it cannot be had, is not what was asked for, or may not be fetched (offline).
        """
        local = local_path(url)
        if local is not None:
            return _checked(_existing(local), url, sha256)
        target = self._cache / f"{hashlib.sha256(url.encode()).hexdigest()[:16]}-{_file_name(url)}"
        if target.is_file():
            return _checked(target, url, sha256)
        if self._offline:
            raise InputError(
                f"{url} is not in the cache {self._cache}, and network.offline is set. "
                f"Fetch it elsewhere and put it there as {target.name}."
            )
        target.parent.mkdir(parents=True, exist_ok=True)
        with _ResumedBody(self, url, credentials) as body:
            partial = self._claim_partial(target, body)
            with partial.open("ab") as file:
                body.skip(file.tell())
                shutil.copyfileobj(body, file, COPY_SIZE)
        digest = _sha256(partial)
        if sha256 and digest != sha256.lower():
            partial.unlink()
            raise InputError(f"{url} has the SHA-256 {digest}, not {sha256}. Check the URL, or the sum in the config.")
        about = {"url": url, "size": partial.stat().st_size, "sha256": digest, "validator": body.validator}
        about["fetched"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        partial.with_suffix(".json").write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")
        os.replace(partial.with_suffix(".json"), target.with_name(f"{target.name}.json"))
        os.replace(partial, target)
        logger.info("fetched %s (%s bytes)", url, f"{about['size']:,}")
        return target

    def _claim_partial(self, target: Path, body: "_ResumedBody") -> Path:
        """The file to write to: what an ended run left of the same version, or a new one.

        A rename claims it, so that no other run has it too. A run that still writes has written within the timeout.
        """
        version = hashlib.sha256(body.validator.encode()).hexdigest()[:16]
        own = target.with_name(f"{PARTIAL}{target.name}-{version}-{uuid.uuid4().hex}")
        for left in target.parent.glob(f"{PARTIAL}{target.name}-{version}-*") if body.validator else ():
            try:
                if left.suffix != ".json" and time.time() - left.stat().st_mtime > 2 * self._timeout:
                    os.rename(left, own)
                    logger.info("going on with %s at %s bytes", target.name, f"{own.stat().st_size:,}")
                    return own
            except FileNotFoundError:
                continue
        return own

    def request(self, url: str, offset: int, validator: str, credentials: Credentials | None) -> requests.Response:
        """The answer to one GET of the bytes from `offset` on, whose body is not yet read.

        With a validator (ETag or date) the server sends all bytes, as 200, where the file has changed since.
        """
        _refuse_credentials(url)
        wait = self._last + self._interval - time.monotonic()
        time.sleep(max(0.0, wait))
        self._last = time.monotonic()
        headers = {"Accept-Encoding": "identity"}
        if offset:
            headers["Range"] = f"bytes={offset}-"
            if validator:
                headers["If-Range"] = validator
        auth = HTTPBasicAuth(*credentials.read()) if credentials else None
        try:
            response = self._session.get(url, headers=headers, stream=True, timeout=self._timeout, auth=auth)
        except requests.RequestException as error:
            # The error's own text can hold the whole request.
            raise InputError(
                f"{url} cannot be reached ({type(error).__name__}, after {self._retries} retries). "
                "Check the network and the URL."
            ) from None
        if response.status_code not in (200, 206):
            response.close()
            kind = NotFound if response.status_code in NOT_FOUND_STATUSES else InputError
            raise kind(_explain(url, response, credentials))
        return response

    @property
    def retries(self) -> int:
        return self._retries

    def wait(self, attempt: int) -> None:
        """Wait before the given attempt (1: the second) to go on with a body that was cut."""
        time.sleep(min(300.0, self._backoff * 2 ** (attempt - 1)))


class _ResumedBody(io.RawIOBase):
    """The bytes of a URL; where the connection is cut it asks for the rest."""

    def __init__(self, remote: Remote, url: str, credentials: Credentials | None):
        self._remote, self._url, self._credentials = remote, url, credentials
        self._position = 0
        self._response: requests.Response | None = None
        response = self._connect()
        length = response.headers.get("Content-Length")
        self._size = int(length) if length else None
        self.validator = _validator(response)
        kind = response.headers.get("Content-Type", "")
        if kind.startswith("text/html"):
            self.close()
            raise InputError(f"{url} answers with a web page, perhaps for a login, and not with a file.")

    def readable(self) -> bool:
        return True

    def skip(self, size: int) -> None:
        """Go on from this byte (0-based); only before the first is read."""
        if size:
            self._position = size
            self._drop()

    def readinto(self, target) -> int:
        attempt = 0
        while True:
            try:
                response = self._reconnect() if self._response is None else self._response
                block = response.raw.read(len(target))
                if block or self._size is None or self._position >= self._size:
                    target[: len(block)] = block
                    self._position += len(block)
                    return len(block)
                cut = f"it ended after {self._position:,} of {self._size:,} bytes"
            except CUT_ERRORS as error:
                cut = type(error).__name__
            attempt += 1
            if attempt > self._remote.retries:
                raise InputError(
                    f"{self._url}: the connection was cut {attempt} times at byte {self._position:,} ({cut}). "
                    "Try again later; raise network.retries or network.timeout."
                )
            logger.warning("%s was cut at byte %s (%s): going on", self._url, f"{self._position:,}", cut)
            self._drop()
            self._remote.wait(attempt)

    def _connect(self) -> requests.Response:
        validator = self.validator if self._position else ""
        self._response = self._remote.request(self._url, self._position, validator, self._credentials)
        return self._response

    def _drop(self) -> None:
        if self._response is not None:
            self._response.close()
        self._response = None

    def _reconnect(self) -> requests.Response:
        response = self._connect()
        if _validator(response) != self.validator:
            raise InputError(f"{self._url} changed while it was read. Start again.")
        if response.status_code == 206:
            start = response.headers.get("Content-Range", "").removeprefix("bytes ").partition("-")[0]
            if start != str(self._position):
                raise InputError(f"{self._url}: the server sent bytes from {start}, asked for {self._position}.")
            return response
        # The server knows no ranges: what has been read already comes again.
        left = self._position
        while left:
            block = response.raw.read(min(left, COPY_SIZE))
            if not block:
                raise InputError(f"{self._url} is shorter than when it was first read. Start again.")
            left -= len(block)
        return response

    def close(self) -> None:
        self._drop()
        super().close()


def _validator(response: requests.Response) -> str:
    etag = response.headers.get("ETag", "")
    # Weak tags are not allowed in If-Range.
    return etag if etag and not etag.startswith("W/") else response.headers.get("Last-Modified", "")


def local_path(url: str) -> Path | None:
    """The path that a file:// URL or a plain path names; None for http and https. Raises InputError for others.

    file://./folder and file://../folder are read as paths from the working folder.
    """
    parts = urlsplit(url)
    if parts.scheme in ("http", "https"):
        return None
    if parts.scheme == "file":
        if parts.netloc in (".", ".."):
            return Path(unquote(parts.netloc + parts.path))
        if parts.netloc not in ("", "localhost"):
            raise InputError(f"{url}: a file URL names a path of this machine, as in file:///folder/file.")
        return Path(unquote(parts.path))
    if "://" in url:
        raise InputError(f"{url}: {parts.scheme} is not supported. Use http, https, file, or a path.")
    return Path(url)


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise InputError(f"There is no file {path}.")
    return path


def _file_name(url: str) -> str:
    """The end of the URL's path, of letters that every file system takes."""
    name = unquote(urlsplit(url).path).rsplit("/", 1)[-1]
    return re.sub(r"[^A-Za-z0-9._-]", "_", name)[-80:]


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _checked(path: Path, url: str, sha256: str | None) -> Path:
    if sha256 and _sha256(path) != sha256.lower():
        raise InputError(
            f"{path} has not the SHA-256 {sha256} that the config gives for {url}. Delete it to fetch anew."
        )
    return path


def _refuse_credentials(url: str) -> None:
    if "@" in urlsplit(url).netloc:
        raise InputError("A URL holds a user name or password. Remove it, and name environment variables instead.")


def _explain(url: str, response: requests.Response, credentials: Credentials | None) -> str:
    status = response.status_code
    if status in (401, 403):
        if credentials is None:
            return f"{url} asks for credentials (HTTP {status}). Name the environment variables that hold them."
        names = f"{credentials.user_variable} and {credentials.password_variable}"
        return f"{url} refuses the credentials of {names} (HTTP {status}). Check them, and that the account has access."
    if status in RETRIED_STATUSES:
        return f"{url} is not available now (HTTP {status}, after retries). Try again later."
    return f"{url} cannot be had (HTTP {status}). Check the URL."
