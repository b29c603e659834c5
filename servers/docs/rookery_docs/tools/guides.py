"""view_guide, get_prompt_template, and the guides as MCP prompts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastmcp import FastMCP
from fastmcp.prompts import Prompt
from fastmcp.server.providers import Provider
from pydantic import BaseModel, Field

from rookery_core.serving.arguments import MaxTokens
from rookery_core.text import clip
from rookery_docs.guide_library import GuideLibrary
from rookery_docs.guides import Guide


class GuideAnswer(BaseModel):
    """A guide, or the list of all."""

    name: str
    content: str
    omitted_tokens: int = 0


class GuideTools:
    """Advice for tasks."""

    def __init__(self, library: GuideLibrary) -> None:
        self._library = library

    async def view_guide(
        self,
        name: Annotated[str, Field(max_length=80, description="a guide; '.' lists them")] = ".",
        path: Annotated[str, Field(max_length=300, description="a further file of it; '.' lists them")] = "",
        max_tokens: MaxTokens = 6_000,
    ) -> GuideAnswer:
        """Read a guide: tested advice for a task (schema design, indexing, slow queries, migrations, pgvector, …).

        Use it before you design or change a database. Without a name it lists the guides.
        """
        guides = await self._library.current()
        if name in ("", "."):
            listing = [f"- {guide.name}: {guide.description}" for guide in guides]
            return GuideAnswer(name=".", content="\n".join([*listing, *self._library.failures]))
        guide = guides.get(name)
        content, omitted = clip(guide.read(path), max_tokens)
        return GuideAnswer(name=guide.name, content=content, omitted_tokens=omitted)

    async def get_prompt_template(
        self, name: Annotated[str, Field(max_length=80, description="a guide")]
    ) -> GuideAnswer:
        """Read a guide by its name, as view_guide does."""
        return await self.view_guide(name)

    def add_prompts(self, server: FastMCP) -> None:
        """Offer each guide as an MCP prompt, for people to choose in their client."""
        server.add_provider(_Prompts(self._library))


class _Prompts(Provider):
    """The guides there are when a client asks."""

    def __init__(self, library: GuideLibrary) -> None:
        super().__init__()
        self._library = library

    async def _list_prompts(self) -> Sequence[Prompt]:
        return [_prompt(guide) for guide in await self._library.current()]


def _prompt(guide: Guide) -> Prompt:
    def render(task: str = "") -> str:
        return f"{guide.text}\n\nThe task: {task}" if task else guide.text

    return Prompt.from_function(render, name=guide.name, description=guide.description)
