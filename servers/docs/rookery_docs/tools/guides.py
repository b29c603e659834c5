"""view_guide, get_prompt_template, and the guides as MCP prompts."""

from __future__ import annotations

from typing import Annotated

from fastmcp import FastMCP
from fastmcp.prompts import Prompt
from pydantic import BaseModel, Field

from rookery_core.budget import clip
from rookery_docs.guides import Guide, Guides


class GuideAnswer(BaseModel):
    """A guide, or the list of all."""

    name: str
    content: str
    omitted_tokens: int = 0


class GuideTools:
    """Advice for tasks."""

    def __init__(self, guides: Guides) -> None:
        self._guides = guides

    async def view_guide(
        self,
        name: Annotated[str, Field(max_length=80, description="a guide; '.' lists them")] = ".",
        path: Annotated[str, Field(max_length=300, description="a further file of it; '.' lists them")] = "",
        max_tokens: Annotated[int, Field(ge=200, le=50_000)] = 6_000,
    ) -> GuideAnswer:
        """Read a guide: tested advice for a task (schema design, indexing, slow queries, migrations, pgvector, …).

        Use it before you design or change a database. Without a name it lists the guides.
        """
        if name in ("", "."):
            listing = "\n".join(f"- {guide.name}: {guide.description}" for guide in self._guides)
            return GuideAnswer(name=".", content=listing)
        guide = self._guides.get(name)
        content, omitted = clip(guide.read(path), max_tokens)
        return GuideAnswer(name=guide.name, content=content, omitted_tokens=omitted)

    async def get_prompt_template(self, name: Annotated[str, Field(max_length=80)]) -> GuideAnswer:
        """As view_guide(name)."""
        return await self.view_guide(name)

    def add_prompts(self, server: FastMCP) -> None:
        """Offer each guide as an MCP prompt, for people to choose in their client."""
        for guide in self._guides:
            server.add_prompt(_prompt(guide))


def _prompt(guide: Guide) -> Prompt:
    def render(task: str = "") -> str:
        return f"{guide.text}\n\nThe task: {task}" if task else guide.text

    return Prompt.from_function(render, name=guide.name, description=guide.description)
