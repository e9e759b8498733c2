"""CRC-32C (Castagnoli), the checksum of TFRecord files."""

import numpy as np
from numpy.typing import NDArray

from preroll.jit import allocating

# Castagnoli's polynomial 0x1EDC6F41, bit-reversed, as the CRC is computed from the least significant bit.
_POLYNOMIAL = 0x82F63B78


def _table() -> NDArray[np.uint32]:
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = np.where(table & 1, (table >> 1) ^ np.uint32(_POLYNOMIAL), table >> 1)
    return table


_TABLE = _table()


@allocating()
def _fold(data: NDArray[np.uint8], table: NDArray[np.uint32]) -> np.uint32:
    crc = np.uint32(0xFFFFFFFF)
    for byte in data:
        crc = table[(crc ^ byte) & np.uint32(0xFF)] ^ (crc >> np.uint32(8))
    return crc ^ np.uint32(0xFFFFFFFF)


def crc32c(data: bytes) -> int:
    """Computes the CRC-32C of ``data``.

    >>> hex(crc32c(b"123456789"))
    '0xe3069283'
    """
    return int(_fold(np.frombuffer(data, np.uint8), _TABLE))


def masked_crc32c(data: bytes) -> int:
    """Computes the CRC-32C as stored in TFRecords: rotated right by 15 bits, plus 0xa282ead8 modulo 2³²."""
    crc = crc32c(data)
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF
