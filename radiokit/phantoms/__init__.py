"""Offline twins of the public data sets, in the same files and folders."""
