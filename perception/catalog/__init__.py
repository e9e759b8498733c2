"""The catalog: what perception computed about the videos, as a folder of arrays with a manifest.

Read in this order: manifest → arrays → catalog_arrays → videos_table, detections → catalog; catalog_views, for what it
shows; in_memory → synthetic → video_list, for catalogs without videos.
"""
