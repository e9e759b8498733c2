"""Fetching of a network from a web address: of a size and a hash that are known before, resumed where it stopped."""

import os
import re
from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path
from typing import IO, Any
from urllib import request
from urllib.error import HTTPError
from urllib.parse import unquote, urlsplit

from preroll.errors import PrerollError
from preroll.files import atomic
from preroll.files.hashing import sha256_of
from preroll.files.targets import no_empty_folders
from preroll.perception.onnx_models.model_file import check_model

_BLOCK, _PATIENCE = 1 << 20, 30.0
_PART = "part"
_SHA256 = re.compile(r"[0-9a-f]{64}")


def name_in(url: str) -> str:
    """Returns the name of the network that an address ends in.

    Raises:
        PrerollError: it is no address of the web.
    """
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        host = None
    if not host or parts.scheme.lower() not in ("http", "https"):
        raise PrerollError(f"{url}: must be an address that begins with https:// or http://")
    return Path(unquote(parts.path)).stem


def checked_sha256(text: str) -> str:
    """Returns a hash as a user gives it, in lower case.

    Raises:
        PrerollError: it is none.
    """
    if not _SHA256.fullmatch(lower := text.strip().lower()):
        raise PrerollError(f"--sha256 {text}: must be the file's sha256, 64 digits of 0 … f")
    return lower


def fetch(
    url: str, sha256: str, out: Path, *, limit: int, progress: Callable[[int, int | None], None] = lambda *_: None
) -> None:
    """Fetches a network; what is there and is the right file stays.

    What came before an interruption lies in the work folder of ``out`` until the file is complete, and is not asked for
    again where the server can go on behind it.

    Args:
        url: http or https; redirects lead to these alone.
        sha256: of the file.
        out: the file, written once it is complete, has the hash and is a network.
        limit: largest size of the file [bytes].
        progress: called with the bytes so far and of all (None: not known).

    Raises:
        PrerollError: it cannot be fetched, is too large, has another hash or is no network that preroll takes.
    """
    name_in(url)
    if out.is_file() and sha256_of(out) == sha256:
        return
    with no_empty_folders(out), atomic.writing(out, str(out)) as work:
        part = work / _PART
        try:
            _complete(url, part, limit, progress)
            _check(url, part, sha256)
        except _UnusableError as error:
            part.unlink(missing_ok=True)
            raise PrerollError(f"{error}; nothing is kept of it", status=1) from None
        os.replace(part, out)


class _UnusableError(Exception):
    """What came is not what was asked for, so that nothing of it can be gone on with."""


def _check(url: str, part: Path, sha256: str) -> None:
    if (found := sha256_of(part)) != sha256:
        raise _UnusableError(f"{url}: its sha256 is {found}, not {sha256}")
    try:
        check_model(part)
    except PrerollError as error:
        raise _UnusableError(f"{url}: {str(error).partition(f'{part}: ')[2]}") from None


def _complete(url: str, part: Path, limit: int, progress: Callable[[int, int | None], None]) -> None:
    """Fetches what is missing of a file."""
    try:
        with part.open("ab") as file, _answer(url, file.tell()) as answer:
            if answer is None:
                return  # nothing is missing
            if not _goes_on(answer, file.tell()):
                file.truncate(0)
            _read(url, answer, file, limit, progress)
    except (OSError, HTTPException, ValueError) as error:
        if isinstance(error, HTTPError):
            error.close()
        why = getattr(error, "reason", None) or error  # a text, or an error of the network
        why = getattr(why, "strerror", None) or why
        size = part.stat().st_size if part.exists() else 0
        kept = f"; {size:,} bytes of it are kept; go on with the same command" if size else ""
        if not size:
            part.unlink(missing_ok=True)
        raise PrerollError(f"{url}: {' '.join(str(why).split())}{kept}", status=1) from None


def _read(url: str, answer: Any, file: IO[bytes], limit: int, progress: Callable[[int, int | None], None]) -> None:
    length = answer.headers.get("Content-Length", "")
    done = file.seek(0, os.SEEK_END)
    size = done + int(length) if length.isascii() and length.isdigit() else None
    if max(size or 0, done) > limit:
        raise _UnusableError(f"{url}: has {size or done:,} bytes, and --download-size allows {limit:,}")
    while block := answer.read(_BLOCK):
        done += len(block)
        if done > limit:
            raise _UnusableError(f"{url}: has more than the {limit:,} bytes of --download-size")
        file.write(block)
        progress(done, size)
    if size is not None and done < size:
        raise OSError(f"it ended after {done:,} of {size:,} bytes")


class _Nothing:
    """The answer of a server that has no more bytes than are there."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, *_: object) -> None:
        return None


def _answer(url: str, done: int) -> Any:
    # Only these handlers: neither files of this machine nor FTP, to which a redirect could lead.
    opener = request.OpenerDirector()
    for handler in (
        request.ProxyHandler,
        request.HTTPHandler,
        request.HTTPSHandler,
        request.HTTPRedirectHandler,
        request.HTTPDefaultErrorHandler,
        request.HTTPErrorProcessor,
        request.UnknownHandler,
    ):
        opener.add_handler(handler())
    headers = {"User-Agent": "preroll", "Accept-Encoding": "identity", **({"Range": f"bytes={done}-"} if done else {})}
    try:
        return opener.open(request.Request(url, headers=headers), timeout=_PATIENCE)
    except HTTPError as error:
        if error.code == 416 and done:  # no byte behind those that are there; the hash says whether they are right
            error.close()
            return _Nothing()
        raise


def _goes_on(answer: Any, done: int) -> bool:
    """Returns whether the answer begins behind the bytes that are there."""
    if not done:
        return True
    return answer.status == 206 and str(answer.headers.get("Content-Range", "")).startswith(f"bytes {done}-")
