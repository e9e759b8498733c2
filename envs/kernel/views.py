"""The same memory as numbers of another type: one array then takes the place of several, each of which costs a call.

Numba's own ``view`` compiles a function for every pair of types: together they took a quarter of the time that the
kernel takes to compile.
"""

from typing import Any, cast

from numba import types
from numba.core import cgutils
from numba.np.arrayobj import populate_array

from preroll.jit import written_as

pack, populate = (cast(Any, function) for function in (cgutils.pack_array, populate_array))


def _seen_as(_: Any, array: Any, kind: Any) -> Any:
    """Returns signature and code of :func:`seen_as`."""
    flat = types.Array(kind.dtype, 1, "C")

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        """Writes the instructions."""
        source = context.make_array(array)(context, builder, value=arguments[0])
        size = context.get_abi_sizeof(context.get_data_type(flat.dtype))
        n = builder.udiv(builder.mul(source.nitems, source.itemsize), context.get_constant(types.intp, size))
        result = context.make_array(flat)(context, builder)
        populate(
            result,
            builder.bitcast(source.data, context.get_data_type(flat.dtype).as_pointer()),
            pack(builder, [n]),
            pack(builder, [context.get_constant(types.intp, size)]),
            context.get_constant(types.intp, size),
            source.meminfo,
        )
        return result._getvalue()

    return flat(array, kind), code


@written_as(_seen_as)
def seen_as(array: Any, kind: Any) -> Any:
    """Returns the memory of a contiguous array as a flat array of another type."""
    return array.reshape(-1).view(kind)
