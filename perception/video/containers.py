"""The suffixes of video files."""

_NAMES = "3gp asf avi flv ivf m2ts m4v mkv mov mp4 mpeg mpg mts mxf nut ogv ts webm wmv y4m"
SUFFIXES = frozenset(f".{name}" for name in _NAMES.split())
