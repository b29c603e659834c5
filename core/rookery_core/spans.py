"""OpenTelemetry spans, where the environment asks for them; else the same facts as log lines.

The variables are OpenTelemetry's own (OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_TRACES_EXPORTER, OTEL_SERVICE_NAME …). A span has
the trace id that queue rows, `rookery trace` and log lines have. FastMCP makes spans of MCP requests; these are the rest.
"""

from __future__ import annotations

import logging
import os
import re
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.sdk.trace.id_generator import IdGenerator
    from opentelemetry.trace import Tracer

logger = logging.getLogger("rookery.core.spans")
_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_W3C = re.compile("(?!0{32})[0-9a-f]{32}")
_tracer: Tracer | None = None
_provided: TracerProvider | None = None


def wanted(environment: Mapping[str, str] = os.environ) -> str | None:
    """The exporter that the environment asks for, by OpenTelemetry's name; None for none."""
    if environment.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return None
    named = environment.get("OTEL_TRACES_EXPORTER", "").strip().lower()
    if not named and any(environment.get(name) for name in _ENDPOINTS):
        return "otlp"
    return None if named in ("", "none") else named


def export(service: str, trace_id: Callable[[], str | None]) -> None:
    """Send spans where the environment says, once a process; say in the log when that cannot be.

    service: who sends, unless OTEL_SERVICE_NAME says. trace_id: the id of what is running now.
    """
    global _tracer, _provided
    exporter = wanted()
    if exporter is None or _tracer is not None:
        return
    try:
        _provided = _provider(service, exporter, trace_id)
    except (ImportError, ValueError) as problem:
        logger.warning(
            "OpenTelemetry is asked for, and no spans are sent: %s; log lines carry the trace id. %s",
            problem,
            "Install rookery-core[otel], and set OTEL_TRACES_EXPORTER to otlp or console.",
        )
        return
    from opentelemetry import trace

    trace.set_tracer_provider(_provided)
    _tracer = trace.get_tracer("rookery")


def flush() -> None:
    """Send what is waiting. For a process that a signal will end, which Python's own clearing up never reaches."""
    if _provided is not None:
        _provided.force_flush()


@contextmanager
def span(name: str, **attributes: str | float | bool) -> Generator[None]:
    """The block as a span; a log line at level debug where no spans are sent."""
    if _tracer is not None:
        with _tracer.start_as_current_span(name, attributes=attributes):
            yield
        return
    started = time.perf_counter()
    try:
        yield
    finally:
        logger.debug("%s took %.1f ms", name, (time.perf_counter() - started) * 1e3)


def is_w3c(trace: str) -> bool:
    """Whether a trace id has the form that W3C trace context and OpenTelemetry ask for."""
    return _W3C.fullmatch(trace) is not None


def current_trace() -> str | None:
    """The trace id of the current span; None where no spans are sent or none is current."""
    if _tracer is None:
        return None
    from opentelemetry import trace

    context = trace.get_current_span().get_span_context()
    return trace.format_trace_id(context.trace_id) if context.is_valid else None


def note_trace(trace: str) -> None:
    """Write our trace id on the current span, which may have begun before the id was known."""
    if _tracer is not None:
        from opentelemetry.trace import get_current_span

        get_current_span().set_attribute("rookery.trace_id", trace)


def _provider(service: str, exporter: str, trace_id: Callable[[], str | None]) -> TracerProvider:
    from opentelemetry.sdk.resources import OTELResourceDetector, Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    resource = Resource.create({"service.name": service}).merge(OTELResourceDetector().detect())
    provider = TracerProvider(resource=resource, id_generator=_ids(trace_id))
    provider.add_span_processor(BatchSpanProcessor(_exporter(exporter)))
    return provider


def _exporter(name: str) -> SpanExporter:
    if name == "otlp":
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        return OTLPSpanExporter()
    if name == "console":
        import sys

        from opentelemetry.sdk.trace.export import ConsoleSpanExporter

        return ConsoleSpanExporter(out=sys.stderr)  # stdout belongs to the MCP wire
    raise ValueError(f"OTEL_TRACES_EXPORTER={name} is not known here")


def _ids(trace_id: Callable[[], str | None]) -> IdGenerator:
    """New traces take the id of what is running, so that one id leads everywhere."""
    from opentelemetry.sdk.trace.id_generator import RandomIdGenerator

    class OurTraceIds(RandomIdGenerator):
        def generate_trace_id(self) -> int:
            current = trace_id()
            return int(current, 16) if current and is_w3c(current) else super().generate_trace_id()

    return OurTraceIds()
