"""What runs inside or above a training: shim, trainer, checkpoint inspection.

Python 3.8 and up, standard library only (the trainer also has `ultralytics` and `torch`), nothing of the other rooms.
"""

from __future__ import annotations
