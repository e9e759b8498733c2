"""What systems and machines differ in: the processors and the memory that a process may use, and names of files.

Read in this order: cgroups → processors → memory → portable_names.
"""
