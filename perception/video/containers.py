"""Video files: their suffixes, and the demuxers that read them."""

_NAMES = "3gp asf avi flv ivf m2ts m4v mkv mov mp4 mpeg mpg mts mxf nut ogv ts webm wmv y4m"
SUFFIXES = frozenset(f".{name}" for name in _NAMES.split())
#: Only video containers: none of them is a picture, or a playlist, which names other files.
DEMUXERS = "mov matroska avi mpegts mpeg flv asf ogg mpegvideo m4v h264 hevc obu ivf yuv4mpegpipe nut mxf gif"
