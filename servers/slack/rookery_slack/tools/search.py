"""search_messages."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from rookery_core.dates import parse_time_range
from rookery_core.errors import InvalidInput
from rookery_core.ranking import best_snippet
from rookery_core.serving.arguments import Cursor, Limit, MaxTokens
from rookery_core.serving.paging import Page
from rookery_core.text import clip, estimate_tokens, explain_fence, fence, storable
from rookery_slack.answers import Found, Hit
from rookery_slack.lookup import resolve_channel, resolve_channels, resolve_user, zone_of
from rookery_slack.plausible_times import Clock, utc_now
from rookery_slack.presentation import OVERHEAD_TOKENS, presenter_for
from rookery_slack.search.candidate_lists import MessageKey
from rookery_slack.search.filters import Has, ParsedQuery, SearchFilter, parse_modifiers
from rookery_slack.search.ranking import Mode, by_conversation, rank
from rookery_slack.tools.arguments import Channels, End, Start
from rookery_slack.tools.base import SlackTools
from rookery_slackapi.timestamps import format_ts, parse_ts

if TYPE_CHECKING:
    from datetime import tzinfo

    from rookery_core.database import Row
    from rookery_core.embedders import Embedder
    from rookery_slack.presentation import Presenter
    from rookery_slack.settings import SlackSettings
    from rookery_slack.store.session import Session, Store

SNIPPET_CHARACTERS = 400
MAX_QUERY = 10_000
MAX_NOTES = 3
SEARCHED_TOKENS = 100


class SearchTools(SlackTools):
    """Finds what was said."""

    def __init__(self, store: Store, settings: SlackSettings, clock: Clock = utc_now) -> None:
        super().__init__(store, settings, clock)
        self._settings = settings
        self._embedder: Embedder | None = None
        self._looked = False

    async def search_messages(
        self,
        query: str,
        channels: Channels = None,
        authors: Annotated[list[str] | None, Field(description="names, ids or me")] = None,
        after: Start = "",
        before: End = "",
        has: list[Has] | None = None,
        thread: Annotated[str, Field(description="link: search in it alone")] = "",
        mode: Mode = "hybrid",
        limit: Limit = 10,
        max_tokens: MaxTokens = 3000,
        cursor: Cursor = "",
    ) -> Found:
        """Search Slack messages, lexically and semantically; one result a thread, best first, each with its permalink.

        Ask in plain words of any language; "quoted phrases" must occur; from:@ada -in:#random has:link on:yesterday -word
        work inside query, too; filters alone answer the newest first. score: 1 fits fully, 0 not at all.
        Read around a result with get_thread or get_conversation and its permalink.
        """
        query = storable(query[:MAX_QUERY])
        if not query.strip():
            raise InvalidInput(
                "query must not be empty.",
                hint="Say what to look for; get_conversation reads without a query.",
            )
        arguments = [query, channels, authors, after, before, has, thread, mode]
        page = Page.open("search_messages", arguments, cursor, max_tokens)
        async with self.store.session() as session:
            zone = await zone_of(session)
            filters = await self._filter(session, channels, authors, after, before, has, thread, zone)
            parsed = await parse_modifiers(session, query, filters, zone, self.now())
            if until := parse_ts(page.position.get("until")):
                parsed.filter = replace(parsed.filter, to_ts=until)
            ranked = await rank(session, parsed.text, parsed.filter, mode, self._get_embedder())
            hits = by_conversation(ranked.messages, ranked.threads)
            answer = await self._answer(session, hits[page.offset :], parsed, page, limit, zone)
            notes = parsed.notes[:MAX_NOTES]
            if ranked.note:
                notes.append(ranked.note)
            if notes:
                answer["searched"] = f"{answer.get('searched')} ({'; '.join(notes)})"
            return answer

    def _get_embedder(self) -> Embedder | None:
        if not self._looked:
            from rookery_core.embedders import create_embedder

            self._embedder, self._looked = create_embedder(self._settings), True
        return self._embedder

    async def _filter(
        self,
        session: Session,
        channels: list[str] | None,
        authors: list[str] | None,
        after: str,
        before: str,
        has: list[Has] | None,
        thread: str,
        zone: tzinfo,
    ) -> SearchFilter:
        begin, stop = parse_time_range(after, before, zone=zone, now=self.now(), fields=("after", "before"))
        channel_id, root = None, None
        if thread:
            channel_id, reference = await resolve_channel(session, thread, field="thread")
            root = reference.thread_ts or reference.ts
        search_filter = SearchFilter(
            channels=await resolve_channels(session, channels),
            authors=[await resolve_user(session, author, field="authors") for author in authors]
            if authors
            else None,
            from_ts=begin,
            to_ts=stop,
            thread_channel=channel_id,
            thread_ts=root,
        )
        for what in has or ():
            search_filter = search_filter.require(what)
        return search_filter

    async def _answer(
        self,
        session: Session,
        hits: list[tuple[MessageKey, float | None, int]],
        parsed: ParsedQuery,
        page: Page,
        limit: int,
        zone: tzinfo,
    ) -> Found:
        rows = await _messages(session, [place for place, _, _ in hits[:limit]])
        presenter = await presenter_for(session, rows.values(), zone, self.base)
        results: list[Hit] = []
        deleted = 0
        for place, score, matches in hits[:limit]:
            if place not in rows:  # deleted since it was ranked
                deleted += 1
                continue
            hit = _hit(rows[place], presenter, parsed.text, score, matches)
            if not page.add(OVERHEAD_TOKENS + estimate_tokens(hit.get("text", ""))):
                break
            results.append(hit)
        searched = " ".join([f"{parsed.text!r}" if parsed.text else "everything", *parsed.modifiers])
        answer = Found(
            notice=explain_fence(presenter.nonce),
            searched=clip(searched, SEARCHED_TOKENS)[0],
            results=results,
        )
        done = deleted + len(results)
        if done < len(hits):
            answer["left_out"] = f"{len(hits) - done} further results; pass next_cursor as cursor."
            until = parsed.filter.to_ts or self.now()
            answer["next_cursor"] = page.cursor(offset=page.offset + done, until=format_ts(until))
        answer.update(await self.freshness(session, zone, parsed.filter.channels))  # pyright: ignore[reportCallIssue, reportArgumentType] keys of Answer
        return answer


async def _messages(session: Session, places: list[MessageKey]) -> dict[MessageKey, Row]:
    """The messages at these places, by place."""
    rows = await session.rows("read_messages", [channel for channel, _ in places], [ts for _, ts in places])
    return {(row["channel"], row["ts"]): row for row in rows}


def _hit(row: Row, presenter: Presenter, query: str, score: float | None, matches: int) -> Hit:
    author, kind = presenter.author(row)
    snippet = best_snippet(presenter.text(row), query, max_characters=SNIPPET_CHARACTERS)
    shown = f"{'… ' if snippet.cut_before else ''}{snippet.text}{' …' if snippet.cut_after else ''}"
    hit = Hit(
        channel=presenter.channels.get(row["channel"], row["channel"]),
        channel_id=row["channel"],
        ts=format_ts(row["ts"]),
        time=presenter.names.time(row["ts"]),
        author=author,
        text=fence(shown, author=author, kind=kind, nonce=presenter.nonce),
        permalink=presenter.link(row),
    )
    if score is not None:
        hit["score"] = round(score, 4)
    if row["thread_ts"] is not None:
        hit["thread_ts"] = format_ts(row["thread_ts"])
    if matches > 1:
        hit["thread_matches"] = matches
    if row["reply_count"]:
        hit["reply_count"] = row["reply_count"]
    return hit
