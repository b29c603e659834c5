"""Tools for what was said in conversations."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from rookery_core.identity import current_caller
from rookery_core.serving.arguments import Cursor, Limit, MaxTokens
from rookery_core.serving.paging import Page
from rookery_memory.answers import AddTurnsAnswer, TurnsAnswer
from rookery_memory.context import MemoryContext
from rookery_memory.presentation import next_cursor, offset_of, turn_item
from rookery_memory.records import NewTurn
from rookery_memory.scopes import bound_scopes, named, readable_scopes
from rookery_memory.tools.arguments import Moment, Scope, Scopes, moment


class SaidTurn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    speaker: Annotated[str, Field(min_length=1, max_length=200)]
    content: Annotated[str, Field(min_length=1, max_length=100000)]
    id: Annotated[str, Field(max_length=200, description="yours; stored once")] = ""
    said_at: Moment = ""
    session: Annotated[str, Field(max_length=200)] = ""


class ConversationTools:
    """add_turns, recall_conversation."""

    def __init__(self, service: MemoryContext) -> None:
        self._service = service

    async def add_turns(
        self,
        conversation: Annotated[str, Field(min_length=1, max_length=500)],
        turns: Annotated[list[SaidTurn], Field(min_length=1, max_length=1000)],
        scope: Scope = "own",
    ) -> AddTurnsAnswer:
        """Append what was said to a conversation, in order, so that recall_conversation finds it.

        With ids a repeated call adds nothing twice.
        """
        new = [
            NewTurn(
                speaker=turn.speaker,
                content=turn.content,
                id=turn.id or None,
                said_at=moment(turn.said_at, "said_at"),
                session=turn.session or None,
            )
            for turn in turns
        ]
        store = await self._service.store()
        done = await store.add_turns(current_caller(), conversation, new, named(scope))
        return {
            "conversation": done.conversation,
            "scope": done.scope,
            "added": len(done.positions),
            "already_known": done.known,
        }

    async def recall_conversation(
        self,
        question: str,
        conversation: Annotated[str, Field(description="default: all")] = "",
        scopes: Scopes = (),
        around: Annotated[int, Field(ge=0, le=5, description="turns before and after each")] = 0,
        limit: Limit = 10,
        max_tokens: MaxTokens = 2000,
        cursor: Cursor = "",
    ) -> TurnsAnswer:
        """Find what was said that answers a question, best first, from conversations stored with add_turns."""
        arguments = [question, conversation, scopes, around]
        page = Page.open("recall_conversation", arguments, cursor, max_tokens)
        caller, offset, names = current_caller(), offset_of(page), list(scopes) or None
        store = await self._service.store()
        found = await store.recall_conversation(
            caller,
            question,
            scopes=names,
            conversation=conversation or None,
            limit=offset + limit + 1,
            around=around,
        )
        shown = page.fill(map(turn_item, found[offset : offset + limit]))
        answer: TurnsAnswer = {
            "turns": shown,
            "scopes": bound_scopes(caller, names) or list(readable_scopes(caller)),
        }
        if following := next_cursor(page, len(found)):
            answer["next_cursor"] = following
        return answer
