"""Names of files and folders that preroll makes of a user's text, so that every file system takes them."""

import hashlib
import re

LONGEST = 100  # bytes: of what a file system allows, the rest is for the temporary names beside it
MOST = 200  # bytes of a name that is kept as it is
_HASH = 10  # hexadecimal digits
#: Names that Windows keeps for devices, whatever follows a dot.
_DEVICES = re.compile(r"(?i)(con|prn|aux|nul|conin\$|conout\$|com[\d¹²³]|lpt[\d¹²³])(\.|$)")
#: What Windows takes in no name, or drops at the end of one.
_REFUSED = re.compile(r"[\x00-\x1f<>:\"/\\|?*]|[. ]$")


def portable(text: str, longest: int = LONGEST) -> str:
    """Returns ``text`` as a name that every file system takes; where it is changed, a hash of it keeps it distinct.

    Args:
        text: one name, without folders.
        longest: how many bytes it may have.

    Examples:
        >>> portable("classic-dqn-0"), portable("a: b."), portable("con.mp4")
        ('classic-dqn-0', 'a-b-83f2d6cbe2', '_con.mp4-591aa6af5c')
    """
    kept = re.sub(r"[^\w.,=+-]+", "-", text).strip(".")
    kept = f"_{kept}" if _DEVICES.match(kept) else kept
    if text and kept == text and len(_bytes(text)) <= longest:
        return text
    digest = hashlib.sha256(_bytes(text)).hexdigest()[:_HASH]
    return kept.encode(errors="ignore")[: longest - _HASH - 1].decode(errors="ignore") + f"-{digest}"


def kept_or_portable(text: str, longest: int = MOST) -> str:
    """Returns ``text`` where every file system takes it as it is, spaces and all, else :func:`portable` of it.

    Examples:
        >>> kept_or_portable("my cats & dogs"), kept_or_portable("cats?"), kept_or_portable("nul")
        ('my cats & dogs', 'cats--4dee0e4709', '_nul-99e6242759')
    """
    takes = text and not _REFUSED.search(text) and not _DEVICES.match(text) and len(_bytes(text)) <= longest
    return text if takes else portable(text, longest)


def _bytes(text: str) -> bytes:
    return text.encode(errors="surrogatepass")
