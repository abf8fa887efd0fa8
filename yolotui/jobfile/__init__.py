"""Files of jobs: reading jobs.toml, whole or not at all, with every mistake named by file, line and key."""

from __future__ import annotations

from yolotui.jobfile.checking import checked
from yolotui.jobfile.reading import ASKED, FileJob, JobFile, asked, one_job, read

__all__ = ["ASKED", "FileJob", "JobFile", "asked", "checked", "one_job", "read"]
