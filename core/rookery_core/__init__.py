"""What every part of Rookery stands on. Knows no Slack, no GitHub, no chat model."""

from importlib.metadata import version

__version__ = version("rookery-core")
