"""Worker processes: one supervised pool on this machine or on a Ray cluster, for videos, trainings and cells alike.

Read in this order: job → worker → messages → process → supervisor → pool → ray_pool.
"""
