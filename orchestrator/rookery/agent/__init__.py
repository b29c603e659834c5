"""The agent: `async with open_agent(settings) as agent: answer = await agent.answer(Question(text=…))`."""

from rookery.agent.agent import Agent
from rookery.agent.composition import open_agent
from rookery.agent.local_tools import LocalTool
from rookery.agent.question import Answer, Attachment, Citation, ContextSection, Question, Timings, Turn
from rookery.traces.records import PendingAction, ToolCall
from rookery.usage import Usage

__all__ = [
    "Agent",
    "Answer",
    "Attachment",
    "Citation",
    "ContextSection",
    "LocalTool",
    "PendingAction",
    "Question",
    "Timings",
    "ToolCall",
    "Turn",
    "Usage",
    "open_agent",
]
