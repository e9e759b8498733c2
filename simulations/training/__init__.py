"""One agent learns: the loop, its checkpoints, its curves, and the folder it leaves.

Read in this order: session_log → curves → loop → checkpoint → training → run.
"""
