"""A clip served over the network at its own pace, as a camera on it would."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, BinaryIO

import av


class Broadcast:
    """What became of a served stream."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.started = 0.0
        """`time.monotonic` at which the first packet was sent."""
        self.packets = 0
        """Packets of pictures sent."""


class Chunked:
    """An open file whose writes become chunks of HTTP, so that the end of the stream can be told from a break."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def write(self, data: bytes) -> int:
        """One chunk."""
        self._file.write(f"{len(data):x}\r\n".encode() + bytes(data) + b"\r\n")
        return len(data)


def _send(clip: Path, target: Any, form: str, broadcast: Broadcast, stop_after: float | None) -> None:
    """Mux a clip into an open file, each packet when it is due."""
    at_once = {"flush_packets": "1"}
    with av.open(clip) as source, av.open(target, "w", format=form, container_options=at_once) as container:
        streams = {each.index: container.add_stream_from_template(each) for each in source.streams}
        broadcast.started = time.monotonic()
        for packet in source.demux():
            if packet.dts is None or packet.time_base is None:
                continue
            due = float(packet.dts * packet.time_base)
            if stop_after is not None and due > stop_after:
                raise ConnectionAbortedError
            time.sleep(max(0.0, broadcast.started + due - time.monotonic()))
            broadcast.packets += packet.stream.type == "video"
            packet.stream = streams[packet.stream.index]
            container.mux(packet)


@contextmanager
def over_http(clip: Path, form: str = "mpegts", stop_after: float | None = None) -> Iterator[Broadcast]:
    """Serve a clip on loopback over HTTP; after `stop_after` seconds the connection breaks off."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            try:
                _send(clip, Chunked(self.wfile), form, broadcast, stop_after)
                self.wfile.write(b"0\r\n\r\n")
            except (OSError, RuntimeError):  # PyAV's own kind, for what a write raised
                self.connection.shutdown(socket.SHUT_RDWR)

        def log_message(self, *words: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    broadcast = Broadcast(f"http://127.0.0.1:{server.server_port}/stream")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield broadcast
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def over_tcp(clip: Path, form: str = "matroska") -> Iterator[Broadcast]:
    """Serve a clip on loopback over bare TCP, to one listener."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        broadcast = Broadcast(f"tcp://127.0.0.1:{server.getsockname()[1]}")

        def serve() -> None:
            try:
                connection, _ = server.accept()
                with connection, connection.makefile("wb", buffering=0) as file:
                    _send(clip, file, form, broadcast, None)
            except (OSError, RuntimeError):
                pass  # nobody listened, or not to the end

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield broadcast
        server.close()
        thread.join(5)
