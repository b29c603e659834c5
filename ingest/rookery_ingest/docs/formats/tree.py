"""lxml, which publishes no types: its elements are `Any` here, and only here is it imported."""

from __future__ import annotations

from importlib import import_module
from typing import Any

etree: Any = import_module("lxml.etree")
html: Any = import_module("lxml.html")
