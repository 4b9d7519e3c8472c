"""Pixels in, pixels out: files, arrays, crops, drawings."""
