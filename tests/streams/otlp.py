"""A local collector: it takes traces by OTLP over HTTP, as protobuf, and keeps their spans."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Condition, Thread
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

PATIENCE_S = 120.0


class Collector:
    """What was taken so far."""

    def __init__(self) -> None:
        self.endpoint = ""
        self.spans: list[Any] = []
        self.parts: set[str] = set()
        self._news = Condition()

    def take(self, body: bytes) -> None:
        request = ExportTraceServiceRequest.FromString(body)
        with self._news:
            for of_resource in request.resource_spans:
                told = {one.key: one.value.string_value for one in of_resource.resource.attributes}
                self.parts.add(told["stormfold.part"])
                for of_scope in of_resource.scope_spans:
                    self.spans += of_scope.spans
            self._news.notify_all()

    def until(self, count: int) -> list[Any]:
        """Return all spans once there are so many."""
        with self._news:
            assert self._news.wait_for(lambda: len(self.spans) >= count, PATIENCE_S), self.spans
            return list(self.spans)

    def of(self, trace: int) -> dict[str, Any]:
        """Return the spans of a trace by name."""
        return {one.name: one for one in self.spans if one.trace_id == trace.to_bytes(16, "big")}


@contextmanager
def collector() -> Iterator[Collector]:
    made = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            assert self.path == "/v1/traces"
            made.take(body)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.endpoint = f"http://127.0.0.1:{server.server_address[1]}/v1/traces"
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
