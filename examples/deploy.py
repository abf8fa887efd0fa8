"""What comes after a training: load its best weights, use them, and say what they see.

python deploy.py best.pt IMAGES
"""

from __future__ import annotations

import sys
from collections import Counter

from ultralytics import YOLO


def main(weights: str, images: str) -> int:
    """Count the shapes that the model finds in a folder of images."""
    model = YOLO(weights)
    seen: Counter[str] = Counter()
    pictures = 0
    for result in model.predict(images, imgsz=96, conf=0.25, verbose=False, stream=True, device="cpu"):
        pictures += 1
        seen.update(result.names[int(label)] for label in result.boxes.cls)
    found = ", ".join(f"{count} {shape}s" for shape, count in sorted(seen.items()))
    print(f"{weights}: {found or 'nothing'} in {pictures} images")
    return 0 if seen else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
