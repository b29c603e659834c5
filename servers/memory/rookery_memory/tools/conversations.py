"""Tools for what was said in conversations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from rookery_core.errors import InvalidInput
from rookery_core.identity import current_caller
from rookery_core.serving.arguments import Cursor, Limit, MaxTokens
from rookery_core.serving.paging import Page
from rookery_core.text import explain_fence
from rookery_memory.answers import AddTurnsAnswer, TurnsAnswer
from rookery_memory.context import MemoryContext
from rookery_memory.presentation import Fences, next_cursor, offset_of
from rookery_memory.records import NewTurn
from rookery_memory.scopes import bound_scopes, named, readable_scopes
from rookery_memory.store.turns import check_turn
from rookery_memory.tools.arguments import Moment, Scope, Scopes, moment, require_query


class SaidTurn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    speaker: Annotated[str, Field(min_length=1, max_length=200)]
    content: str
    id: Annotated[str, Field(max_length=200, description="yours; stored once")] = ""
    said_at: Moment = ""
    session: Annotated[str, Field(max_length=200)] = ""


class ConversationTools:
    """add_turns, recall_conversation."""

    def __init__(self, context: MemoryContext) -> None:
        self._context = context

    async def add_turns(
        self,
        conversation: Annotated[str, Field(min_length=1, max_length=500)],
        turns: Annotated[list[SaidTurn], Field(min_length=1, max_length=1000)],
        scope: Scope = "own",
    ) -> AddTurnsAnswer:
        """Append what was said to a conversation, in order, so that recall_conversation finds it.

        With ids a repeated call adds nothing twice. A turn in `refused` is not stored; the others are.
        """
        new, refused = _accepted(turns)
        if refused and not new:
            raise refused[0]
        store = await self._context.store()
        stored = await store.add_turns(current_caller(), conversation, new, named(scope))
        answer: AddTurnsAnswer = {
            "conversation": stored.conversation,
            "scope": stored.scope,
            "added": len(new) - stored.known,
            "already_known": stored.known,
        }
        if refused:
            answer["refused"] = [str(error) for error in refused]
        return answer

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
        require_query(question, "question", "Pass what you want to know.")
        arguments = [question, conversation, scopes, around]
        page = Page.open("recall_conversation", arguments, cursor, max_tokens)
        caller, offset, names = current_caller(), offset_of(page), list(scopes) or None
        store = await self._context.store()
        found = await store.recall_conversation(
            caller,
            question,
            scopes=names,
            conversation=conversation or None,
            limit=offset + limit + 1,
            around=around,
        )
        fences = Fences()
        shown = page.fill(map(fences.turn, found[offset : offset + limit]))
        answer: TurnsAnswer = {
            "turns": shown,
            "scopes": bound_scopes(caller, names) or list(readable_scopes(caller)),
        }
        if shown:
            answer = {"notice": explain_fence(fences.nonce), **answer}
        if following := next_cursor(page, len(found)):
            answer["next_cursor"] = following
        return answer


def _accepted(turns: Sequence[SaidTurn]) -> tuple[list[NewTurn], list[InvalidInput]]:
    """The turns that can be stored, and an error for each of the others."""
    accepted: list[NewTurn] = []
    refused: list[InvalidInput] = []
    for number, turn in enumerate(turns):
        field = f"turns[{number}]"
        try:
            new = NewTurn(
                speaker=turn.speaker,
                content=turn.content,
                id=turn.id or None,
                said_at=moment(turn.said_at, f"{field}.said_at"),
                session=turn.session or None,
            )
            check_turn(new, field)
        except InvalidInput as error:
            refused.append(error)
        else:
            accepted.append(new)
    return accepted, refused
