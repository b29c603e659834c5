"""Serve an emulated GitHub by hand: `python -m emulators.github [folder of jsonl(.gz)] [--port 8765]`."""

from __future__ import annotations

import argparse
import threading
from pathlib import Path

from emulators.github.loading import load_folder
from emulators.github.sample import sample_world
from emulators.github.server import Emulator


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(prog="python -m emulators.github", description=__doc__)
    parser.add_argument(
        "folder", nargs="*", type=Path, help="folders of issues, pulls and commits to load beside the sample"
    )
    parser.add_argument("--port", type=int, default=8765)
    arguments = parser.parse_args()
    world = sample_world()
    for folder in arguments.folder:
        for repository in load_folder(world, folder):
            print(
                f"{repository.full_name}: {len(repository.issues)} issues and pull requests, {len(repository.commits)} commits"
            )
    with Emulator(world, port=arguments.port) as emulator:
        print(
            f"export ROOKERY_GITHUB_URL={emulator.url} ROOKERY_GITHUB_WEB_URL=https://github.com", flush=True
        )
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            return


if __name__ == "__main__":
    main()
