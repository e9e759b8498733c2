"""Inputs and outputs of a build: folders and tables of videos, downloads, the journal, and the new catalog.

Read in this order: video_folder and video_table → grouping → download → journal → resume → catalog_content → writer.
"""
