"""Inputs and outputs of a build: folders and tables of videos, downloads, the journal, and the new catalog."""
