"""Everything that is done with schema `memory`. Every function takes the caller first."""

from rookery_memory.store.store import MemoryStore

__all__ = ["MemoryStore"]
