"""The bot as a process, with four servers, against the emulated Slack and an emulated Anthropic API.

What a person sees: how long until the first sign of life under a mention, how long until the whole answer, what
happens when a hundred threads ask at once, and what the process weighs while nobody asks.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.report import Result

if TYPE_CHECKING:
    from emulators.slack import SlackEmulator
    from emulators.slack.sample import Cast

COMMAND = "make bench-agent"
SLACK_LIMITS = {"ROOKERY_SLACK_USER_LIMIT": "0", "ROOKERY_SLACK_CHANNEL_LIMIT": "0"}


@dataclass(frozen=True, slots=True)
class Wait:
    """Milliseconds from a mention until something of the bot is seen under it, and until the answer is whole."""

    sign_ms: float
    whole_ms: float


async def measure(questions: tuple[str, ...], brain: Any, rounds: int, concurrent: int) -> list[Result]:
    """Run the bot and ask it. The environment names the database with the sample data."""
    from emulators.models import ModelEmulator
    from emulators.slack import SlackEmulator
    from emulators.slack.__main__ import bot
    from emulators.slack.sample import furnish

    async with ModelEmulator(brain=brain) as models, SlackEmulator() as slack:
        slack.state.epoch = int(time.time())
        cast = furnish(slack.state)
        variables = {
            "ANTHROPIC_API_KEY": "emulated",
            "ANTHROPIC_BASE_URL": models.url,
            "ROOKERY_SLACK_API_URL": slack.api_url,
            "SLACK_BOT_TOKEN": slack.state.app.bot_token,
            "SLACK_APP_TOKEN": slack.state.app.app_token,
            "ROOKERY_CONTEXT_KEY": "0" * 64,
            **SLACK_LIMITS,
        }
        log = Path(os.environ["ROOKERY_DATA_DIR"]) / "bot.log"
        async with bot(variables, str(log)) as ended:
            await _until(ended, slack.sockets.connected(60), log)
            idle = _resident_mib(await _pid_of_bot())
            first = await _ask(slack, cast, questions[0])
            alone = [await _ask(slack, cast, questions[n % len(questions)]) for n in range(rounds)]
            unanswered, seconds = await _crowd(slack, cast, questions, concurrent)
            lost = sum(envelope.lost for envelope in slack.sockets.delivered)
            late = sum(envelope.deliveries - 1 for envelope in slack.sockets.delivered)
    signs, wholes = [wait.sign_ms for wait in alone], [wait.whole_ms for wait in alone]
    return [
        figure("slack.first_sign", statistics.median(signs), "ms", None, signs, "p50; mention to the first visible status, through the bot process"),
        figure("slack.first_sign_p95", statistics.quantiles(signs, n=20)[-1], "ms", None, (), "p95 of the same"),
        figure("slack.whole", statistics.median(wholes), "ms", None, wholes, "p50; mention to the whole answer, the model answering at once"),
        figure("slack.very_first", first.sign_ms, "ms", None, (), "mention to status of the first question after the start"),
        figure("slack.crowd_unanswered", unanswered + lost, "questions", 0, (), f"{concurrent} threads at once: without a whole answer, or lost events"),
        figure("slack.crowd_late", late, "deliveries", 0, (), "deliveries that Slack repeated because no acknowledgement came within three seconds"),
        figure("slack.crowd_time", seconds, "s", None, (), f"{concurrent} threads at once, all answered"),
        figure("slack.idle_memory", idle, "MiB", None, (), "resident memory of `rookery slack`, connected, before the first question"),
    ]  # fmt: skip


async def _until(ended: asyncio.Task[int], ready: Any, log: Path) -> None:
    waiting = asyncio.ensure_future(ready)
    await asyncio.wait({ended, waiting}, return_when=asyncio.FIRST_COMPLETED)
    if not waiting.done():
        waiting.cancel()
        raise SystemExit(f"the bot ended:\n{log.read_text(encoding='utf-8')[-2000:]}")
    waiting.result()


async def _ask(slack: SlackEmulator, cast: Cast, text: str) -> Wait:
    """Mention the bot and wait for its answer."""
    seen = len(slack.state.statuses)
    started = time.perf_counter()
    root = slack.people.mention(cast.ada.id, cast.general.id, text)
    await slack.state.wait_for(lambda: len(slack.state.statuses) > seen or _shown(slack, cast, root))
    sign_ms = (time.perf_counter() - started) * 1e3
    await slack.state.wait_for(lambda: _whole(slack, cast, root), 60)
    whole_ms = (time.perf_counter() - started) * 1e3
    await slack.state.wait_for(lambda: slack.screen.status(cast.general.id, root) == "")
    return Wait(sign_ms, whole_ms)


async def _crowd(
    slack: SlackEmulator, cast: Cast, questions: tuple[str, ...], number: int
) -> tuple[int, float]:
    """Everybody asks at once, each in a thread; how many got no whole answer, and how long the others took."""
    started = time.perf_counter()
    roots = [
        slack.people.mention(cast.ada.id, cast.general.id, questions[n % len(questions)])
        for n in range(number)
    ]
    try:
        await slack.state.wait_for(lambda: all(_whole(slack, cast, root) for root in roots), 240)
    except TimeoutError:
        print("not everybody was answered in four minutes", file=sys.stderr)
    return sum(not _whole(slack, cast, root) for root in roots), time.perf_counter() - started


def _shown(slack: SlackEmulator, cast: Cast, root: str) -> bool:
    return bool(slack.screen.replies(cast.general.id, root))


def _whole(slack: SlackEmulator, cast: Cast, root: str) -> bool:
    """Whether there is one answer, whole and with sources."""
    from slack_bot.reading import is_final, said

    messages = said(slack, cast.general.id, root)
    return len(messages) == 1 and is_final(messages[0]) and "Sources" in str(messages[0].blocks)


async def _pid_of_bot() -> int:
    """The process that this one started: the bot."""
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    for child in map(int, children):
        if b"slack" in Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0"):
            return child
    raise SystemExit("the bot's process is not to be found")


def _resident_mib(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmRSS"))


def figure(name: str, value: float, unit: str, target: float | None, samples: Any, note: str) -> Result:
    """One figure of this bench, of which less is better."""
    return Result(
        id=f"agent.{name}",
        value=value,
        unit=unit,
        command=COMMAND,
        better="lower",
        target=target,
        samples=samples,
        note=note,
    )
