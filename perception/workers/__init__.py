"""Many videos side by side: supervised processes with limits of time and memory, and Ray.

Read in this order: worker → messages → process → supervisor → pool → ray_pool.
"""
