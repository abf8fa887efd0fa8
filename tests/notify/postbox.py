"""The other side of mail: a real SMTP server on this machine, as much of one as a sender asks for."""

from __future__ import annotations

import socketserver
import threading
from email import message_from_bytes, policy
from email.message import EmailMessage
from types import TracebackType


class Postbox:
    """Keeps the letters that it was brought."""

    def __init__(self) -> None:
        self.letters: list[EmailMessage] = []
        letters = self.letters

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                self.wfile.write(b"220 here\r\n")
                for line in self.rfile:
                    match line[:4].upper().strip():
                        case b"DATA":
                            self.wfile.write(b"354 go on\r\n")
                            content = b"".join(iter(self.rfile.readline, b".\r\n"))
                            letters.append(message_from_bytes(content, EmailMessage, policy=policy.default))
                            self.wfile.write(b"250 taken\r\n")
                        case b"QUIT":
                            self.wfile.write(b"221 bye\r\n")
                            return
                        case _:
                            self.wfile.write(b"250 fine\r\n")

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    @property
    def address(self) -> str:
        return f"mailto://127.0.0.1:{self._server.server_address[1]}?mode=insecure&from=host@x.org&to=anna@x.org"

    def __enter__(self) -> Postbox:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
