"""What a build reads and writes: folders and tables of videos, downloads, the journal, the new catalog."""
