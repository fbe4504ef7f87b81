"""A disk that is full for real: a small file system in memory, or a limit to the size of files.

Both are the system's own refusals to write. The second is for those who may not mount the first.
"""

import resource
import shutil
import subprocess
from pathlib import Path

MEGABYTE = 1_000_000
KILOBYTE = 1_000


class MountedDisk:
    """A file system of some megabytes in a folder."""

    def __init__(self, folder: Path, megabytes: int = 64):
        self.folder = folder
        folder.mkdir()
        options = f"size={megabytes}m,mode=777"
        subprocess.run([*_rights(), "mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], check=True)

    def fill(self, room: int) -> None:
        """Leave so many bytes."""
        self.clear()
        with open(self.folder / "ballast", "wb") as file:
            file.write(bytes(shutil.disk_usage(self.folder).free - room))

    def clear(self) -> None:
        (self.folder / "ballast").unlink(missing_ok=True)

    def remove(self) -> None:
        subprocess.run([*_rights(), "umount", "--lazy", str(self.folder)], check=True)


class LimitedFiles:
    """A folder in which this process may write files of at most 5 kB, less than what the tests write."""

    def __init__(self, folder: Path):
        self.folder = folder
        folder.mkdir()
        self._limits = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill(self, room: int) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (5 * KILOBYTE, self._limits[1]))

    def clear(self) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, self._limits)

    def remove(self) -> None:
        self.clear()


def small_disk(folder: Path) -> MountedDisk | LimitedFiles:
    """A disk in the folder, which is made."""
    try:
        return MountedDisk(folder)
    except (subprocess.CalledProcessError, FileNotFoundError):
        folder.rmdir()
        return LimitedFiles(folder)


def _rights() -> list[str]:
    """What must stand before a command that only root may run."""
    return [] if shutil.which("sudo") is None else ["sudo", "-n"]
