"""Looks at a training before it starts: its data set, weights, arguments, and what the machine has for it.

Neither torch nor Ultralytics is imported: what they would say of a data set, hours later, is said here by their rules.
"""

from __future__ import annotations
