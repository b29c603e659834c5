"""The foundation of all parts of Rookery. Contains nothing about Slack, GitHub or chat models.

Terms are defined in docs/glossary.md.
"""

from importlib.metadata import version

__version__ = version("rookery-core")
