"""Base seeds of 63 bits by purpose, so that two jobs share users only where they are meant to."""

import hashlib

from preroll.console.given import seed_of

TRAINING = "training"
EVALUATION = "evaluation"
AGENT = "agent"


def derive(seed: int, purpose: str) -> int:
    """Returns a 63-bit seed for one purpose of a user's ``seed``.

    Lane i of a vector environment plays the user stream base + i. Neighbouring bases would therefore share nearly all
    of their users; hashed ones lie so far apart that streams do not meet (a million lanes in each of a thousand runs:
    chance of any overlap about 1e-7).

    >>> derive(0, "training") == derive(0, "training"), derive(0, "training") == derive(0, "evaluation")
    (True, False)

    Raises:
        PrerollError: the seed is no whole number of at least 0.
    """
    digest = hashlib.blake2b(f"{seed_of(seed)}/{purpose}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1
