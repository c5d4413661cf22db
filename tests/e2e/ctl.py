"""A client of the control protocol, for tests: JSON-RPC 2.0, one a line."""
import json
import os
import socket

SOCKET = os.environ["SOCKET"]


class Ctl:
    def __init__(self, timeout=20):
        self.s = socket.socket(socket.AF_UNIX)
        self.s.settimeout(timeout)
        self.s.connect(SOCKET)
        self.buf = b""
        self.id = 0

    def send(self, data):
        self.s.sendall(data)

    def line(self):
        """One reply; None when the daemon has closed the connection."""
        while b"\n" not in self.buf:
            try:
                part = self.s.recv(65536)
            except ConnectionResetError:
                part = b""
            if not part:
                return None
            self.buf += part
        line, self.buf = self.buf.split(b"\n", 1)
        return json.loads(line)

    def ask(self, method, **params):
        self.id += 1
        self.send(json.dumps({"jsonrpc": "2.0", "id": self.id,
                              "method": method, "params": params}).encode()
                  + b"\n")
        return self.line()

    def call(self, method, **params):
        r = self.ask(method, **params)
        assert r is not None and "result" in r, r
        return r["result"]

    def error(self, method, **params):
        """The name of the error that it gives."""
        r = self.ask(method, **params)
        assert r is not None and "error" in r, r
        assert isinstance(r["error"]["code"], int), r
        assert r["error"]["message"], r
        return r["error"]["data"]["name"]

    def program(self, name):
        return self.call("status", names=[name])["programs"][0]

    def close(self):
        self.s.close()
