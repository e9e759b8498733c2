"""Videos as requests to worker processes: the jobs that a worker runs, the coding of analyses, and the pool.

Read in this order: jobs → codec → pool. The processes are those of :mod:`preroll.workers`.
"""
