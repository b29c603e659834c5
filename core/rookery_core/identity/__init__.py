"""Who is asking: one `Caller`, made here and nowhere else."""

from rookery_core.identity.caller import Caller, CallerKind, RoomKind, acting_as, current_caller

__all__ = ["Caller", "CallerKind", "RoomKind", "acting_as", "current_caller"]
