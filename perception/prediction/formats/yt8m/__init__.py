"""The files of YouTube-8M: TFRecord, protocol buffers, CSV and arrays."""
