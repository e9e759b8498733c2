"""How results show themselves: one card for terminal and notebook, one look for pictures.

Read in this order: card → shown → axes → plots.
"""
