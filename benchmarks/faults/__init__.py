"""Campaign of faults: commands are killed, their disk fails, bits of their files flip; what comes of it is counted.

    make faults                                      all of it, about 15 minutes on two cores
    python -m benchmarks.faults --only 'train|run:'  a part, by the names of rows
    python -m benchmarks.faults --seed 2             other moments, calls and bits

Every trial works on a copy of the same small folder in a process of its own, forked from one that has imported preroll.
What a command does undisturbed is the truth: afterwards every file of the folder, less times, must be what it is there.
To read: ``commands`` (what is tried), ``trials`` (how it is judged), ``facts`` (what is compared), ``process`` and
``shim.c`` (how it is disturbed).
"""
