"""Traces for OpenTelemetry: one span for each stretch of the way of a sampled event.

Off unless `tracing` is configured; then nothing of OpenTelemetry is imported, and a stage asks once
for each piece of work whether there is a tracer. Spans are made from ids that follow from the event
(`trace_ids`) after something is done, and given to a thread that sends them: nothing waits for the
collector, and what it does not take in time is dropped.

A span has ids, names of the configuration and words of enums, and nothing that an event or a person
said.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Final, Protocol

from streams.references import SettingsError
from streams.settings_types import Settings, Tracing
from streams.trace_ids import BEFORE, Hop, event_id_of, is_traced, span_id, trace_id

EXPORT_S: Final = 5
"""How long the collector may take for a batch."""
QUEUE_SPANS: Final = 2_048
"""Spans that wait to be sent; of more, the new ones are dropped."""

Attributes = Mapping[str, str | int]


class Tracer(Protocol):
    """What a stage needs of it."""

    def traced(self, event_id: str) -> bool:
        """Return whether this event is traced."""
        ...

    def span(
        self,
        event_id: str,
        hop: Hop,
        begin_ms: int,
        end_ms: int,
        attributes: Attributes,
        which: str = "",
    ) -> None:
        """Tell one stretch of the way of an event that is traced."""
        ...

    def close(self) -> None:
        """Send what waits, for a few seconds at most."""
        ...


def tracer_of(settings: Settings, part: str) -> Tracer | None:
    """Return the tracer of a process, None where none is configured.

    Args:
        settings: of the installation.
        part: what the process is, such as `intake` or a stage.

    Raises:
        SettingsError: one is configured, and what it needs is not installed.
    """
    if settings.tracing is None:
        return None
    try:
        return _OpenTelemetry(settings.tracing, settings.namespace, part)
    except ImportError:
        raise SettingsError(
            "tracing: OpenTelemetry is not installed: pip install 'stormfold[tracing]'"
        ) from None


def trace_body(tracer: Tracer, body: bytes, received_ms: int) -> None:
    """Tell what intake did with a body that Kafka has."""
    event_id = event_id_of(body)
    if tracer.traced(event_id):
        tracer.span(event_id, Hop.INTAKE, received_ms, time.time_ns() // 1_000_000, {})


class _OpenTelemetry:
    """Makes spans by OpenTelemetry's SDK and sends them by OTLP over HTTP."""

    def __init__(self, config: Tracing, namespace: str, part: str) -> None:
        from opentelemetry import context, trace
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.sdk.trace.id_generator import IdGenerator
        from opentelemetry.sdk.trace.sampling import ALWAYS_ON

        class Derived(IdGenerator):
            """Gives the ids of the span that is made next."""

            trace = span = 1

            def generate_trace_id(self) -> int:
                return self.trace

            def generate_span_id(self) -> int:
                return self.span

        self._one_in = config.one_in
        self._ids = Derived()
        self._trace: Any = trace
        self._context: Any = context
        resource = Resource(
            {"service.name": "stormfold", "service.namespace": namespace, "stormfold.part": part}
        )
        # Environment variables that would switch it off, or sample again, decide nothing here.
        self._provider = TracerProvider(
            sampler=ALWAYS_ON, id_generator=self._ids, resource=resource, shutdown_on_exit=False
        )
        self._provider.add_span_processor(
            BatchSpanProcessor(
                OTLPSpanExporter(endpoint=config.endpoint, timeout=EXPORT_S),
                max_queue_size=QUEUE_SPANS,
                schedule_delay_millis=1_000,
            )
        )
        self._tracer = self._provider.get_tracer("stormfold")

    def traced(self, event_id: str) -> bool:
        return is_traced(event_id, self._one_in)

    def span(
        self,
        event_id: str,
        hop: Hop,
        begin_ms: int,
        end_ms: int,
        attributes: Attributes,
        which: str = "",
    ) -> None:
        self._ids.trace, self._ids.span = trace_id(event_id), span_id(event_id, hop, which)
        inside = self._context.Context()
        if hop in BEFORE:
            parent = self._trace.SpanContext(
                self._ids.trace,
                span_id(event_id, BEFORE[hop]),
                is_remote=True,
                trace_flags=self._trace.TraceFlags(self._trace.TraceFlags.SAMPLED),
            )
            before = self._trace.NonRecordingSpan(parent)
            inside = self._trace.set_span_in_context(before, inside)
        told = {"sentry.event_id": event_id, **{f"stormfold.{k}": v for k, v in attributes.items()}}
        # The clocks of brokers and hosts may differ: a stretch never ends before it began.
        span = self._tracer.start_span(
            hop.value, context=inside, start_time=begin_ms * 1_000_000, attributes=told
        )
        span.end(end_time=max(begin_ms, end_ms) * 1_000_000)

    def close(self) -> None:
        self._provider.shutdown()
