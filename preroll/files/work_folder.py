"""The hidden folder beside a target in which its writer works: one lock, one mark, and all that is not finished.

Beside the target ``NAME`` stands ``.NAME.preroll`` while it is being written:

```
mark.json    whose folder this is: name of the target, process and machine of the writer, an id
lock         locked as long as the writer lives
new          the new content, until it takes the target's place
old          the old content, while the new one takes its place
…            what outlives a stopped writer, such as a checkpoint or a journal
```

Writers alone come here: whoever holds the lock restores or removes what a killed writer left. A folder of that name
that carries no such mark is not touched. Readers take no lock and change nothing.
"""

import errno
import json
import os
import platform
import shutil
import stat
import sys
import threading
import uuid
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from preroll.console import signals, write_errors
from preroll.errors import PrerollError

SUFFIX = ".preroll"
NEW, OLD = "new", "old"
_MARK, _LOCK = "mark.json", "lock"
_MARK_TO_BE = "mark.json.new"  # so that no kill leaves a folder with content and without a mark
_OWN = {_MARK, _MARK_TO_BE, _LOCK}
_PURPOSE = "work folder of preroll"

#: Errors of a file system that has no locks.
_NO_LOCKS = {errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EINVAL}

#: Mode of a work folder until it carries its mark: a folder that someone else made is seldom closed to all others.
_UNMARKED = 0o700

#: So often a folder may be gone that was just made: by another writer, which ends at some time.
_OFTEN = 100

#: File systems without locks that the user was told of, by device.
_TOLD: set[int] = set()

#: Work folders that this process holds: thread and depth by path.
_HELD: dict[tuple[int, str], list[int]] = {}


class BeingWrittenError(PrerollError):
    """Another process, or another thread, is writing the same target now."""


def beside(target: Path) -> Path:
    """Returns the work folder of a target that is replaced as a whole; links are to be followed before."""
    return target.with_name(f".{target.name}{SUFFIX}") if target.name else target / SUFFIX  # nothing is beside a root


def within(folder: Path) -> Path:
    """Returns the work folder of a folder whose files are written one by one."""
    return folder / SUFFIX


@contextmanager
def held(place: Path, of: str, told: str) -> Iterator[None]:
    """Holds the lock of the work folder ``place``, which is made, and removed at the end if nothing lasting is in it.

    What killed writers left as new content is removed. Nested calls of one thread hold it once.

    Args:
        place: the work folder.
        of: name of the target, for the mark.
        told: how the user named the target, such as ``--run mine``.

    Raises:
        BeingWrittenError: another process or thread holds it.
        PrerollError: it cannot be made, or something else stands there.
    """
    key, thread = (os.getpid(), str(place)), threading.get_ident()
    if key in _HELD and _HELD[key][0] == thread:
        _HELD[key][1] += 1
        try:
            yield
        finally:
            _HELD[key][1] -= 1
        return
    if _HELD.setdefault(key, [thread, 0])[0] != thread:
        raise BeingWrittenError(f"{told}: another thread is writing it now")
    try:
        try:
            release = _acquire(place, of, told)
        except OSError as error:
            missing = error.errno == errno.ENOENT and place.parent.is_dir()  # as in /proc
            why = "takes no folders" if missing else error.strerror
            line = f"{told}: cannot be written there: {place.parent}: {why}"
            raise PrerollError(line, status=write_errors.status(error)) from None
        try:
            tidy(place)
            yield
        except signals.Stopped as stopped:
            stopped.writing = True
            raise
        finally:
            tidy(place)
            release()
    finally:
        del _HELD[key]


def writer_of(place: Path) -> str | None:
    """Returns who is writing the target of a work folder, as its mark says, or None; takes no lock, changes nothing."""
    if not (place / _LOCK).is_file():
        return None
    mark = _mark(place)
    if not mark or (mark["machine"] == platform.node() and not _has_open(mark["process"], place / _LOCK)):
        return None
    return _writer(place)


def is_locked(place: Path) -> bool:
    """Returns whether another process holds the lock; for who is about to write, since it is taken for a moment.

    A mark alone is no proof: a killed writer leaves one, and its machine may be a container that is gone.
    """
    timeout = _filelock().Timeout

    if not (place / _LOCK).is_file():
        return False
    lock = _lock_of(place)
    try:
        lock.acquire()
    except timeout:
        return True
    except OSError:  # no locks, or no right to take one
        return writer_of(place) is not None
    lock.release(force=True)
    return False


def _has_open(process: int, file: Path) -> bool:
    """Returns whether a process has a file open; where the system does not tell, whether there is such a process."""
    try:
        opened = list(Path(f"/proc/{process}/fd").iterdir())
    except OSError:  # gone, or of another user, or another system
        return _is_alive(process)
    for one in opened:
        with suppress(OSError):  # closed meanwhile
            if one.samefile(file):
                return True
    return False


def _is_alive(process: int) -> bool:
    if os.name == "nt":  # there signal 0 would end it
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def is_ours(place: Path, of: str) -> bool:
    """Returns whether ``place`` is the work folder of the target ``of``: it carries the mark, or has no content yet."""
    if mark := _mark(place):
        return bool(mark["of"] == of)
    # A writer that was killed before it wrote its mark left nothing else.
    try:
        there = {name: (place / name).stat().st_size for name in os.listdir(place)}
    except OSError:
        return False
    return there.keys() <= _OWN and not any(there.values())


def _acquire(place: Path, of: str, told: str) -> Any:
    """Makes and locks the work folder, and returns what releases it."""
    timeout = _filelock().Timeout

    check_name(place, told)
    gone = 0
    while True:
        place.parent.mkdir(parents=True, exist_ok=True)
        try:
            place.mkdir(_UNMARKED)
            kept = False
        except FileExistsError:
            kept = _is_strangers_empty_folder(place)
        except FileNotFoundError:  # another writer has just removed a folder that it had made
            if (gone := gone + 1) > _OFTEN:
                raise  # of /proc and the like, which take no folder and say that there is none
            continue
        if place.is_symlink() or not place.is_dir() or not is_ours(place, of):
            raise PrerollError(f"{told}: {place} is in the way and is not preroll's; move it away")
        lock = _lock_of(place)
        try:
            lock.acquire()
        except timeout:
            if (place / _LOCK).exists():
                raise BeingWrittenError(f"{told}: {_writer(place)} is writing it now") from None
            continue  # the other writer was just ending
        except FileNotFoundError:
            continue  # likewise
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
            _tell_of_no_locks(place.parent)
        break

    def release() -> None:
        lasting = _lasting(place)
        if not lasting and not kept:
            with suppress(OSError):
                place.chmod(_UNMARKED)
        for name in (_LOCK,) if lasting else (_MARK_TO_BE, _MARK, _LOCK):
            with suppress(OSError):
                (place / name).unlink()
        lock.release(force=True)
        if not kept:
            with suppress(OSError):
                place.rmdir()  # refused where anything else is in it

    try:
        writer: dict[str, Any] = {"process": os.getpid(), "machine": platform.node()}
        mark = {"purpose": _PURPOSE, "of": of, "id": uuid.uuid4().hex, **writer}
        (place / _MARK_TO_BE).write_text(json.dumps(mark), "utf8")
        os.replace(place / _MARK_TO_BE, place / _MARK)
        with suppress(OSError):  # from now on as open as any folder that this user makes
            mode = stat.S_IMODE((place / _MARK).stat().st_mode)
            if not kept:
                place.chmod(mode | (mode & 0o444) >> 2)
    except BaseException:
        release()
        raise
    return release


def _lock_of(place: Path) -> Any:
    """Returns the lock of a work folder; where Python itself has none, one that fails as on a file system without."""
    found = _filelock()
    if issubclass(found.FileLock, found.SoftFileLock):  # a file that its process may leave behind
        return _NoLock()
    return found.FileLock(place / _LOCK, timeout=0, fallback_to_soft=False)


def _filelock() -> Any:
    """Returns the library, which takes longer to load than most commands that only read."""
    with warnings.catch_warnings(action="ignore"):  # of a system without locks, which gets a line of ours
        import filelock

    return filelock


class _NoLock:
    """The lock of a system that has none."""

    def acquire(self) -> None:
        """Raises the error of a file system without locks."""
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    def release(self, *, force: bool) -> None:
        """Does nothing."""


def _is_strangers_empty_folder(place: Path) -> bool:
    """Returns whether a work folder that is there is empty, and was not made by a writer that was then killed."""
    try:
        return not os.listdir(place) and stat.S_IMODE(place.stat().st_mode) != _UNMARKED
    except OSError:
        return False


def _tell_of_no_locks(folder: Path) -> None:
    """Writes once for each file system that two commands can damage each other's work there."""
    device = folder.stat().st_dev
    if device not in _TOLD:
        _TOLD.add(device)
        with suppress(OSError, ValueError, AttributeError):  # stderr is closed
            sys.stderr.write(f"note: {folder} has no locks: let no two commands write there at once\n")


def check_name(place: Path, told: str) -> None:
    """Raises if the name of a work folder, or of one inside it, is longer than the file system takes."""
    ground = next(one for one in place.parents if one.exists())
    longest = os.pathconf(ground, "PC_NAME_MAX") if hasattr(os, "pathconf") else 255
    if (length := len(os.fsencode(place.name))) > longest:
        raise PrerollError(
            f"{told}: the name is too long for the files that are written beside it; it may have "
            f"{longest - (length - len(os.fsencode(place.name[1 : -len(SUFFIX)])))} bytes"
        )


def _writer(place: Path) -> str:
    """Returns who holds the lock, as its mark says."""
    mark = _mark(place)
    if not mark:
        return "another process"
    return f"process {mark['process']}{'' if mark['machine'] == platform.node() else ' on ' + mark['machine']}"


def _mark(place: Path) -> dict[str, Any]:
    """Returns the mark of a work folder; empty if there is none that preroll wrote."""
    kinds = {"purpose": str, "of": str, "id": str, "process": int, "machine": str}
    for name in (_MARK, _MARK_TO_BE):
        with suppress(OSError, ValueError, KeyError, TypeError, RecursionError):
            mark = json.loads((place / name).read_text("utf8"))
            if mark["purpose"] == _PURPOSE and all(isinstance(mark[key], kind) for key, kind in kinds.items()):
                return dict(mark)
    return {}


def _lasting(place: Path) -> bool:
    return any(name not in _OWN for name in os.listdir(place))


def tidy(place: Path) -> None:
    """Removes new content that did not take the target's place."""
    new = place / NEW
    if new.is_dir() and not new.is_symlink():
        shutil.rmtree(new, ignore_errors=True)
    else:
        new.unlink(missing_ok=True)
