"""`python -m yolotui` is `yolotui`."""

from __future__ import annotations

from yolotui.cli.main import main

if __name__ == "__main__":
    main()
