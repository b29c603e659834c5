"""The answerer without a model: searches everything, quotes the best passages, and says that it only quotes."""

from rookery.models.extractive.model import Extractive

__all__ = ["Extractive"]
