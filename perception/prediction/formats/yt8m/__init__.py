"""YouTube-8M's file formats (TFRecord, protocol buffers, CSV), and the cache of memory-mapped arrays."""
