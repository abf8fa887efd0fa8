"""Which file system a path lies on, from the kernel's own table."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

MOUNTS = Path("/proc/mounts")

_NETWORK = re.compile(
    r"nfs4?|cifs|smb3|smbfs|9p|afs|ceph|lustre|beegfs|gpfs|glusterfs|pvfs2|ocfs2|gfs2|davfs|ncpfs"
    r"|fuse\.(sshfs|glusterfs|s3fs|rclone|ceph-fuse|juicefs|gcsfuse|davfs2?)"
)
_OCTAL = re.compile(r"\\([0-7]{3})")


@dataclass(frozen=True)
class Mount:
    """A mounted file system: where it begins, and of what type it is (`ext4`, `nfs4`, `fuse.sshfs`…)."""

    folder: Path
    type: str

    @property
    def is_network(self) -> bool:
        """Whether another machine keeps the files."""
        return _NETWORK.fullmatch(self.type) is not None


def mount_of(path: Path, table: Path = MOUNTS) -> Mount | None:
    """The mount that holds the (absolute) path, which need not exist yet; None where the table doesn't say."""
    try:
        lines = table.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    path = path.resolve()
    best: Mount | None = None
    for fields in map(str.split, lines):
        if len(fields) < 3:
            continue
        # The table writes a blank as \040. A later mount on the same folder covers the earlier one.
        folder = Path(_OCTAL.sub(lambda match: chr(int(match[1], 8)), fields[1]))
        if path.is_relative_to(folder) and (best is None or len(folder.parts) >= len(best.folder.parts)):
            best = Mount(folder, fields[2])
    return best
