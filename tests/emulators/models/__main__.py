"""Run the emulator alone: `PYTHONPATH=tests python -m emulators.models --port 8099`."""

from __future__ import annotations

import argparse
import asyncio

from emulators.models.brains import assistant
from emulators.models.server import ModelEmulator


async def _serve(port: int, delay_s: float) -> None:
    async with ModelEmulator(assistant, port=port, delay_s=delay_s) as models:
        print(f"Anthropic: ANTHROPIC_BASE_URL={models.url} ANTHROPIC_API_KEY=emulated")
        print(f"OpenAI:    OPENAI_BASE_URL={models.url}/v1 OPENAI_API_KEY=emulated", flush=True)
        await asyncio.Event().wait()


def main() -> None:
    parser = argparse.ArgumentParser(
        description="The Anthropic and OpenAI APIs on loopback, without a model behind them."
    )
    parser.add_argument("--port", type=int, default=8099, help="default: 8099")
    parser.add_argument(
        "--delay", type=float, default=0.03, metavar="SECONDS", help="between two pieces of text (0.03)"
    )
    arguments = parser.parse_args()
    try:
        asyncio.run(_serve(arguments.port, arguments.delay))
    except KeyboardInterrupt:
        return


if __name__ == "__main__":
    main()
