"""The catalog: what perception computed about the videos, as a folder of arrays with a manifest.

Read in this order: manifest → catalog; synthetic → video_list, for catalogs without videos.
"""
