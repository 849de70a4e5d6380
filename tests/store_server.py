"""A local S3 server behind a proxy that throttles and drops connections."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar


class Unreliable(BaseHTTPRequestHandler):
    """Passes requests on; every fifth is told to slow down, and of every seventh the answer breaks off."""

    store: ClassVar[int]
    count: ClassVar[int] = 0
    faults: ClassVar[bool] = True
    asked: ClassVar[list[str]] = []
    refused: ClassVar[tuple[int, str] | None] = None
    """What every attempt to write is answered."""

    def _pass_on(self) -> None:
        type(self).count += 1
        type(self).asked.append(f"{self.command} {self.path} {self.headers.get('Range', '')}")
        if self.headers.get("Expect") == "100-continue":
            self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        sent = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.refused is not None and self.command in ("PUT", "POST"):
            status, code = self.refused
            self._answer(status, f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode())
            return
        if self.faults and self.count % 5 == 0:
            self._answer(503, b"<Error><Code>SlowDown</Code><Message>Reduce your request rate.</Message></Error>")
            return
        connection = http.client.HTTPConnection("127.0.0.1", self.store)
        headers = {name: value for name, value in self.headers.items() if name != "Expect"}
        connection.request(self.command, self.path, sent, headers)
        answer = connection.getresponse()
        body = answer.read()
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("connection", "transfer-encoding", "content-length"):
                self.send_header(name, value)
        self.send_header("Content-Length", answer.getheader("Content-Length") or str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            broken = self.faults and self.count % 7 == 0 and len(body) > 100
            self.wfile.write(body[: len(body) // 2] if broken else body)
            if broken:
                self.close_connection = True
                self.connection.close()

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body if self.command != "HEAD" else b"")

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _pass_on  # noqa: N815

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


ACCESS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}
ACCESS |= {"AWS_MAX_ATTEMPTS": "1"}  # what fails is tried again by us


def put(name: str, data: bytes) -> None:
    """Put an object, or with no data a bucket, by the server itself."""
    connection = http.client.HTTPConnection("127.0.0.1", Unreliable.store)
    connection.request("PUT", name, data, {"x-amz-acl": "public-read"})
    assert connection.getresponse().status == 200


@contextmanager
def running() -> Iterator[str]:
    """Start both; the address of the proxy."""
    from moto.server import ThreadedMotoServer

    store = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    store.start()
    Unreliable.store = store.get_host_and_port()[1]
    proxy = ThreadingHTTPServer(("127.0.0.1", 0), Unreliable)
    threading.Thread(target=proxy.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{proxy.server_port}"
    proxy.shutdown()
    store.stop()
