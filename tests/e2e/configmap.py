"""A mounted ConfigMap, as the kubelet writes it: a folder per revision, swapped by one symbolic link."""

import os
import shutil
from pathlib import Path


class ConfigMap:
    """`folder/name` → `..data/name`, `..data` → `..<revision>`; an update renames a new `..data` over the old."""

    def __init__(self, folder, **files):
        self.folder = Path(folder)
        self.folder.mkdir()
        self.revision = 0
        self.update(**files)
        for name in self.names(files):
            os.symlink(f"..data/{name}", self.folder / name)

    @staticmethod
    def names(files):
        return [name.replace("__", ".") for name in files]

    def update(self, **files):
        """Writes all files anew; `driftgauge__yaml` is `driftgauge.yaml`."""
        old = (self.folder / "..data").resolve() if self.revision else None
        self.revision += 1
        new = self.folder / f"..revision_{self.revision}"
        new.mkdir()
        for name, content in zip(self.names(files), files.values()):
            (new / name).write_text(content)
        os.symlink(new.name, self.folder / "..data_tmp")
        os.rename(self.folder / "..data_tmp", self.folder / "..data")
        if old:
            shutil.rmtree(old)
