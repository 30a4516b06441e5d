"""A server for tests: HTTP and WebSockets on one port, with scripted answers."""

from __future__ import annotations

import base64
import hashlib
import json
import socket
import ssl
import struct
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

USER = {
    "id": "019a0000-0000-7000-8000-000000000001",
    "email": "anna@example.com",
    "role": "PLAYER",
    "isActive": True,
    "balance": "12.50",
    "createdAt": "2026-01-02T03:04:05.123456789Z",
}
PROMOTION = {
    "id": "019a0000-0000-7000-8000-000000000002",
    "title": "Spring",
    "description": "",
    "isActive": True,
    "type": "BONUS",
    "amount": "20.00",
    "startDate": "2026-03-01",
    "endDate": "2026-03-31",
    "createdAt": "2026-01-02T03:04:05Z",
    "updatedAt": "2026-01-02T03:04:05Z",
    "state": "EXPIRED",
    "terms": {"text": "", "version": 0},
}


@dataclass
class Received:
    """A request that the server has received."""

    verb: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: Any


@dataclass
class Answer:
    """An answer. ``drop`` closes the connection instead of it, after the request was received."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    drop: bool = False


def problem(status: int, code: str, **members: Any) -> Answer:
    headers = {"X-Request-Id": "request-7", "Content-Type": "application/problem+json"}
    if "retry_after" in members:
        headers["Retry-After"] = str(members.pop("retry_after"))
    body = {"type": "about:blank", "status": status, "code": code, "title": code, "detail": "details", **members}
    return Answer(status, body, headers)


Handler = Callable[[Received], Answer]
SocketHandler = Callable[["Connection", Received], None]


class Connection:
    """The server's side of a WebSocket."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def send(self, frame: Any) -> None:
        data = json.dumps(frame).encode()
        length = struct.pack("!B", len(data)) if len(data) < 126 else struct.pack("!BH", 126, len(data))
        self._sock.sendall(b"\x81" + length + data)

    def close(self, code: int) -> None:
        self._sock.sendall(b"\x88\x02" + struct.pack("!H", code))

    def drop(self) -> None:
        self._sock.shutdown(socket.SHUT_RDWR)

    def wait(self) -> None:
        """Waits until the client closes the connection."""
        while True:
            try:
                data = self._sock.recv(1024)
                if data[:1] == b"\x88":  # a close frame
                    self._sock.sendall(b"\x88\x00")
                    return
                if not data:
                    return
            except OSError:
                return


class Server:
    """Answers requests by path. Every answer but the last one of a path is given once."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.requests: list[Received] = []
        self._answers: dict[str, deque[Answer | Handler]] = {}
        self._sockets: deque[SocketHandler | Answer] = deque()
        self._lock = threading.Lock()
        server = self

        class RequestHandler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_one_request(self) -> None:
                try:
                    super().handle_one_request()
                except OSError:
                    self.close_connection = True

            def log_message(self, *_: Any) -> None:
                pass

            def _serve(self) -> None:
                server._serve(self)

            do_GET = do_POST = do_PATCH = do_DELETE = _serve

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), RequestHandler)
        self._http.daemon_threads = True
        if context:
            self._http.socket = context.wrap_socket(self._http.socket, server_side=True)
        self.url = f"{'https' if context else 'http'}://127.0.0.1:{self._http.server_port}"
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def on(self, path: str, *answers: Answer | Handler) -> None:
        self._answers[path] = deque(answers)

    def on_socket(self, *handlers: SocketHandler | Answer) -> None:
        self._sockets = deque(handlers)

    def received(self, path: str) -> list[Received]:
        with self._lock:
            return [r for r in self.requests if r.path == path]

    def _serve(self, h: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(h.path)
        data = h.rfile.read(int(h.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in h.headers.items()}
        r = Received(h.command, parts.path, parse_qs(parts.query), headers, json.loads(data) if data else None)
        upgrade = headers.get("upgrade") == "websocket"
        with self._lock:
            self.requests.append(r)
            answers: Any = self._sockets if upgrade else self._answers.get(parts.path, deque([problem(404, "NOT_FOUND")]))
            chosen = answers.popleft() if len(answers) > 1 or upgrade else answers[0]
        if upgrade and not isinstance(chosen, Answer):
            self._upgrade(h, r, chosen)
            return
        answer = chosen if isinstance(chosen, Answer) else chosen(r)
        if answer.drop:
            h.close_connection = True
            return
        body = (
            answer.body
            if isinstance(answer.body, bytes)
            else b""
            if answer.body is None
            else json.dumps(answer.body).encode()
        )
        if "Date" in answer.headers:
            h.send_response_only(answer.status)  # send_response would add another one
        else:
            h.send_response(answer.status)
        for name, value in answer.headers.items():
            h.send_header(name, value)
        h.send_header("Content-Length", str(len(body)))
        h.end_headers()
        h.wfile.write(body)

    def _upgrade(self, h: BaseHTTPRequestHandler, r: Received, handler: SocketHandler) -> None:
        key = r.headers["sec-websocket-key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        h.send_response(101)
        h.send_header("Upgrade", "websocket")
        h.send_header("Connection", "Upgrade")
        h.send_header("Sec-WebSocket-Accept", base64.b64encode(hashlib.sha1(key.encode()).digest()).decode())
        h.send_header("Sec-WebSocket-Protocol", "loyalty.v1")
        h.end_headers()
        h.wfile.flush()
        h.close_connection = True
        handler(Connection(h.connection), r)
