"""The other side: a real HTTP server on this machine that takes what apprise's json:// posts, or refuses it."""

from __future__ import annotations

import json
import re
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any


class Receiver:
    """Keeps what it took; with `refuses_half` it answers every other request with 503 and keeps nothing of it.

    It answers with `answer`, when `may_answer` is set; with `breaks_off` it hangs up instead.
    """

    def __init__(self, *, refuses_half: bool = False, breaks_off: bool = False, answer: bytes = b"") -> None:
        self.taken: list[dict[str, Any]] = []
        self.may_answer = threading.Event()
        self.may_answer.set()
        self.requests = 0
        receiver, lock = self, threading.Lock()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                content = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with lock:
                    receiver.requests += 1
                    refused = refuses_half and receiver.requests % 2 == 1
                    if not refused:
                        receiver.taken.append(content)
                receiver.may_answer.wait()
                if breaks_off:
                    return
                with suppress(OSError):  # the other side may have stopped listening
                    self.send_response(503 if refused else 200)
                    self.end_headers()
                    self.wfile.write(answer)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 — its name in the base class
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def address(self) -> str:
        return f"json://127.0.0.1:{self.port}/hook"

    @property
    def titles(self) -> list[str]:
        return [content["title"] for content in self.taken]

    @property
    def events(self) -> list[int]:
        """The numbers in the audit log of what it was told, in order of arrival."""
        return [int(number) for each in self.taken for number in re.findall(r"event (\d+)", each["message"])]

    def __enter__(self) -> Receiver:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.may_answer.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
