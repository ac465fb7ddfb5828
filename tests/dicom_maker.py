"""What every test that writes DICOM by hand ends with."""

import pydicom


def save_dicom(dataset, header, syntax, path):
    """Set the header values, leave out those that are None, and write the file."""
    for keyword, value in header.items():
        if value is None:
            delattr(dataset, keyword)
        else:
            setattr(dataset, keyword, value)
    dataset.file_meta = pydicom.dataset.FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.save_as(path, enforce_file_format=True)
    return path
