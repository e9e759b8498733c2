"""preroll: which ad should a video platform show now?

Importing this package registers ``preroll/Session-v0`` with Gymnasium by string: no torch, onnxruntime or decoder is
loaded.
"""

import os

from preroll.console import signals

# On Linux too onnxruntime 1.31 keeps an id in the user's home, complains where it cannot, and reports how it is used.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

if signals.is_command_line():  # these imports take longest, and nobody should see the traceback of a Ctrl-C in them
    signals.end_at_once()

from gymnasium.envs.registration import register, registry

from preroll.errors import PrerollError

__all__ = ["PrerollError", "__version__"]
__version__ = "0.1.0"

if "preroll/Session-v0" not in registry:
    register(
        id="preroll/Session-v0",
        entry_point="preroll.envs.session:SessionEnv",
        vector_entry_point="preroll.envs.vector:SessionVectorEnv",
    )
