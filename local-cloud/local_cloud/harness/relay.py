"""A way from containers to the gateway.

The gateway listens on 127.0.0.1 alone, which inside a container is the container itself. For as long as containers need
it, a relay listens on the one address of this machine that they do reach, Docker's own bridge, where neither the local
network nor the internet can connect to it; and who connects still has to pass IAM.
"""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from socketserver import BaseRequestHandler, ThreadingTCPServer
from urllib.parse import urlsplit


@contextmanager
def relayed(url: str, address: str) -> Iterator[str]:
    """The same endpoint as `url` on another address of this machine, while the block runs."""
    target = urlsplit(url)

    class ToTarget(BaseRequestHandler):
        def handle(self) -> None:
            with socket.create_connection((target.hostname, target.port)) as upstream:
                requests = threading.Thread(target=_copy, args=(self.request, upstream))
                requests.start()
                _copy(upstream, self.request)
                requests.join()

    with _Server((address, 0), ToTarget) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://{address}:{server.server_address[1]}"
        finally:
            server.shutdown()


class _Server(ThreadingTCPServer):
    # A client that keeps its connection open does not keep us from ending.
    daemon_threads = True
    block_on_close = False


def _copy(source: socket.socket, sink: socket.socket) -> None:
    """Passes bytes on until one side has no more, and says so to the other."""
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
