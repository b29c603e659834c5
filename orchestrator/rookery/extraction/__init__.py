"""Draws facts from what was said in conversations: the memory server announces new turns through the event queue, a
model reads them, and what it finds goes back by the tool `remember`, for the person whose conversation it is.
"""
