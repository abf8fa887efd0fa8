"""The verbs, a file for each family. A file is imported only when one of its verbs is used."""

from __future__ import annotations
