"""Object stores of Google and of Azure on this machine, as far as listing needs them: pages, and what one object is."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

ACCOUNT = "drawn"
CONNECTION = "DefaultEndpointsProtocol=http;AccountName={0};AccountKey=ZHJhd24=;BlobEndpoint={1}/{0};"
"""For ``AZURE_STORAGE_CONNECTION_STRING``, with the account and the address of the server."""


class Stores(ThreadingHTTPServer):
    """Answers as both stores; ``names`` are the objects of the one bucket, in order, ``asked`` how often was listed."""

    def __init__(self, bucket: str, page: int) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.bucket, self.page = bucket, page
        self.names: list[str] = []
        self.folders: set[str] = set()
        self.asked = 0

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def listed(self, prefix: str, mark: str, most: int) -> tuple[list[str], str]:
        """Names behind a mark, and the next mark; empty behind the last page."""
        self.asked += 1
        start, page = int(mark or 0), min(self.page, most)
        found = [name for name in self.names if name.startswith(prefix)]
        behind = start + page
        return found[start:behind], str(behind) if behind < len(found) else ""


class _Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Stores

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if parts.path.startswith("/storage/v1/b/"):
            self._google(parts.path.removeprefix("/storage/v1/b/").split("/o", 1), asked)
        elif asked.get("comp") == "list" and parts.path == f"/{ACCOUNT}/{self.server.bucket}":
            self._azure(asked)
        else:
            self._say(404, b"", {"x-ms-error-code": "ContainerNotFound"})

    def do_HEAD(self) -> None:
        name = unquote(urlsplit(self.path).path).removeprefix(f"/{ACCOUNT}/{self.server.bucket}/")
        if name in self.server.names:
            self._say(200, b"", {"x-ms-blob-type": "BlockBlob", "Last-Modified": "Sat, 28 Nov 2026 12:00:00 GMT"})
        else:
            self._say(404, b"", {"x-ms-error-code": "BlobNotFound"})

    def _google(self, parts: list[str], asked: dict[str, str]) -> None:
        bucket, name = parts[0], unquote(parts[1].lstrip("/")) if len(parts) > 1 else ""
        if bucket != self.server.bucket:
            self._say(404, b"{}", {})
        elif name:
            found = {"kind": "storage#object", "bucket": bucket, "name": name, "size": "0", "etag": ""}
            self._say(*((200, json.dumps(found).encode()) if name in self.server.names else (404, b"{}")), {})
        else:
            most = int(asked.get("maxResults", 1000))
            names, mark = self.server.listed(asked.get("prefix", ""), asked.get("pageToken", ""), most)
            items = [{"name": each, "bucket": bucket, "size": "0", "etag": ""} for each in names]
            page = {"kind": "storage#objects", **({"items": items} if items else {})}
            self._say(200, json.dumps({**page, **({"nextPageToken": mark} if mark else {})}).encode(), {})

    def _azure(self, asked: dict[str, str]) -> None:
        most = int(asked.get("maxresults", 5000))
        names, mark = self.server.listed(asked.get("prefix", ""), asked.get("marker", ""), most)
        blobs = "".join(
            f"<Blob><Name>{escape(name)}</Name><Properties><Content-Length>0</Content-Length>"
            "<BlobType>BlockBlob</BlobType></Properties><Metadata>"
            f"{'<hdi_isfolder>true</hdi_isfolder>' if name in self.server.folders else ''}</Metadata></Blob>"
            for name in names
        )
        # Its package takes the prefix and the size for the next page from the answer.
        said = f"<Prefix>{escape(asked.get('prefix', ''))}</Prefix><MaxResults>{most}</MaxResults>"
        text = f"<EnumerationResults>{said}<Blobs>{blobs}</Blobs><NextMarker>{mark}</NextMarker></EnumerationResults>"
        self._say(200, text.encode(), {"Content-Type": "application/xml"})

    def _say(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@contextmanager
def serving(bucket: str, page: int) -> Iterator[Stores]:
    """A server with a bucket, whose pages have so many objects at most."""
    with Stores(bucket, page) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
