"""Parallel analysis of videos: supervised processes with time and memory limits, and Ray.

Read in this order: worker → messages → process → supervisor → pool → ray_pool.
"""
