"""From folders of files to case tables, and from a row of one to arrays."""
