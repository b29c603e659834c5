"""The GitHub API on the wire: whole consistent repositories, with GitHub's shapes, limits and failures."""

from emulators.github.faults import Fault
from emulators.github.loading import load_folder
from emulators.github.server import Emulator
from emulators.github.world import Repository, World

__all__ = ["Emulator", "Fault", "Repository", "World", "load_folder"]
