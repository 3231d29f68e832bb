"""A handler of HTTP requests that answers with JSON, for tests that stand in for a server."""

import http.server
import json


class JsonReplies(http.server.BaseHTTPRequestHandler):
    """Subclasses implement `do_GET` and `do_POST` with `answer`; nothing is logged."""

    def answer(self, code, body):
        content = json.dumps(body).encode()
        self.send_response(code)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *arguments):
        pass
