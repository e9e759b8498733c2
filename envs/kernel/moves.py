"""Copies of rows of float32 by whole registers.

A loop over entries, or over chunks of them, would become a call of memcpy, which for the lengths that observations have
takes up to three times as long; LLVM moves whole registers only where it knows a length.
"""

from typing import Any

from llvmlite import ir
from numba import types

from preroll.envs.kernel.layout import at
from preroll.jit import inlined, written_as


def _move(_: Any, to: Any, i: Any, source: Any, j: Any) -> Any:
    """Returns signature and code of :func:`move`: one load and one store of 32 bytes."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        """Writes the instructions."""
        chunk = ir.VectorType(ir.FloatType(), 8)

        def place(array: int) -> Any:
            data = context.make_array(signature.args[array])(context, builder, value=arguments[array]).data
            return builder.bitcast(builder.gep(data, [arguments[array + 1]]), chunk.as_pointer())

        # Rows begin at any multiple of four bytes.
        builder.store(builder.load(place(2), align=4), place(0), align=4)
        return context.get_dummy_value()

    return types.void(to, types.uint64, source, types.uint64), code


@written_as(_move)
def move(to: Any, i: Any, source: Any, j: Any) -> None:
    """Copies the eight numbers of ``source`` from ``j`` on to ``to`` from ``i`` on."""
    to[i : i + at(8)] = source[j : j + at(8)]


@inlined
def move_row(to: Any, i: Any, source: Any, j: Any, chunks: Any) -> None:
    """Copies ``chunks`` times eight numbers; the bits of their number say which moves are made."""
    if chunks & at(1):
        move(to, i, source, j)
        i += at(8)
        j += at(8)
    if chunks & at(2):
        move(to, i, source, j)
        move(to, i + at(8), source, j + at(8))
        i += at(16)
        j += at(16)
    if chunks & at(4):
        for k in range(4):
            move(to, i + at(8 * k), source, j + at(8 * k))
        i += at(32)
        j += at(32)
    for _ in range(chunks >> at(3)):
        for k in range(8):
            move(to, i + at(8 * k), source, j + at(8 * k))
        i += at(64)
        j += at(64)
