"""Extent of a pickle, from its operations alone: how much it stands for, before a value of it is made."""

import io
import pickle
import pickletools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from preroll.bounded import limits

#: Bytes of a number or of an empty container in memory, at least.
_PLAIN_VALUE = 32


@dataclass(eq=False)
class _Value:
    """What an operation would make.

    Attributes:
        size: bytes of it and of all in it, references followed.
        depth: levels of nesting in it.
        text: it, if it is a text.
        held: whether it is in another value.
    """

    size: int = _PLAIN_VALUE
    depth: int = 0
    text: str = ""
    held: bool = False

    def take(self, parts: "list[_Value]") -> "_Value":
        """Puts values into this one, which is in no other yet: it would be in itself, or count too little."""
        for part in parts:
            part.held = True
            self.size += part.size
            self.depth = max(self.depth, 1 + part.depth)
        if self.held:
            raise pickle.UnpicklingError("it changes a value that is in another one, or in itself")
        if self.size > limits.PICKLE_UNFOLDED or self.depth > limits.PICKLE_DEPTH:
            most = f"{limits.PICKLE_UNFOLDED // limits.MIB} MiB and {limits.PICKLE_DEPTH} levels"
            raise pickle.UnpicklingError(f"it stands for too much: at most {most}, references followed, are taken")
        return self


_NUMBERS = {"BININT", "BININT1", "BININT2", "NONE", "NEWTRUE", "NEWFALSE", "FLOAT", "BINFLOAT"}
_NUMBER = _Value()
_Mark = None
_Stack = list[_Value | None]


def check_extent(content: bytes, allowed: Callable[[str, str], bool]) -> None:
    """Runs a pickle without making anything, and checks what it would make.

    Containers that share one part stand for it as often as they name it, so that a few bytes stand for billions.

    Args:
        content: the pickle.
        allowed: whether a global, module and name, may be asked for; the pickle is not followed beyond another one,
            since whoever loads it refuses it there.

    Raises:
        pickle.UnpicklingError: it stands for too much, nests too deeply or is not made of plain values.
    """
    stack: _Stack = []
    memo: dict[int, _Value | None] = {}
    for number, (operation, argument, _) in enumerate(_operations(content)):
        if number >= limits.PICKLE_OPERATIONS:
            raise pickle.UnpicklingError(f"it has more than {limits.PICKLE_OPERATIONS:,} operations")
        name = operation.name
        if name in _NUMBERS:
            stack.append(_NUMBER)
        elif name in ("GLOBAL", "STACK_GLOBAL"):
            module, _, what = str(argument).partition(" ")
            if name == "STACK_GLOBAL":
                what, module = (_taken(stack).text for _ in range(2))
            if not allowed(module, what):
                return
            stack.append(_Value())
        elif name in ("PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"):
            place = len(memo) if argument is None else int(argument)
            if place > limits.PICKLE_OPERATIONS:  # Python would make room for all places up to it
                raise pickle.UnpicklingError(f"it keeps a value at place {place:,}")
            memo[place] = stack[-1]
        elif name in ("GET", "BINGET", "LONG_BINGET"):
            stack.append(memo[int(argument)])
        else:
            _follow(name, argument, stack)


def _operations(content: bytes) -> Iterator[tuple[pickletools.OpcodeInfo, Any, int | None]]:
    return pickletools.genops(io.BytesIO(content))


def _follow(name: str, argument: object, stack: _Stack) -> None:
    """Follows one operation that has nothing to do with the memo."""
    if name in _TAKES:
        stack.append(_Value().take([_taken(stack) for _ in range(_TAKES[name])][::-1]))
    elif name in ("TUPLE", "LIST", "DICT", "FROZENSET"):
        stack.append(_Value().take(_since_mark(stack)))
    elif name in ("APPENDS", "SETITEMS", "ADDITEMS"):
        parts = _since_mark(stack)
        _top(stack).take(parts)
    elif name in ("APPEND", "SETITEM"):
        parts = [_taken(stack) for _ in range(1 if name == "APPEND" else 2)]
        _top(stack).take(parts)
    elif name == "MARK":
        stack.append(_Mark)
    elif name == "DUP":
        stack.append(stack[-1])
    elif name == "POP":
        stack.pop()
    elif name == "POP_MARK":
        _since_mark(stack)
    elif name in _SCALARS:
        length = argument.bit_length() // 8 if isinstance(argument, int) else len(str(argument or ""))
        stack.append(_Value(_PLAIN_VALUE + length, text=argument if isinstance(argument, str) else ""))
    elif name not in ("PROTO", "FRAME", "STOP"):
        raise pickle.UnpicklingError(f"its operation {name} makes an object; only lists, maps, texts and numbers are")


# REDUCE calls one of the containers that are allowed, with the values that it will have.
_TAKES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3, "REDUCE": 2}
_SCALARS = {
    *("INT", "LONG", "LONG1", "LONG4", "STRING", "BINSTRING", "SHORT_BINSTRING", "BINBYTES", "SHORT_BINBYTES"),
    *("BINBYTES8", "BYTEARRAY8", "UNICODE", "SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8"),
    *("EMPTY_LIST", "EMPTY_TUPLE", "EMPTY_DICT", "EMPTY_SET"),
}


def _taken(stack: _Stack) -> _Value:
    found = stack.pop()
    if found is _Mark:
        raise pickle.UnpicklingError("unexpected MARK found")
    return found


def _top(stack: _Stack) -> _Value:
    stack.append(found := _taken(stack))
    return found


def _since_mark(stack: _Stack) -> list[_Value]:
    parts: list[_Value] = []
    while (part := stack.pop()) is not _Mark:
        parts.append(part)
    return parts[::-1]
