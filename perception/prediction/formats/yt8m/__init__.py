"""YouTube-8M's file formats (TFRecord, protocol buffers, CSV), and the cache of memory-mapped arrays.

Read in this order: crc32c → record → tfrecord → protobuf → examples → csv → vocabulary → arrays.
"""
