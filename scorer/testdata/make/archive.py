"""Archives of fixtures: every script here writes its files by one of these."""

import pathlib
import zipfile

DATA = pathlib.Path(__file__).resolve().parent.parent  # scorer/testdata


def write(path, files):
    """Writes files, contents by name, without time stamps and in order, so that equal content is an equal archive."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in sorted(files.items()):
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED, 9)


def read(path):
    """Returns the contents of an archive by name; nothing if there is none."""
    if not path.exists():
        return {}
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}
