"""A web server that counts its visitors in Redis.

	app.py PORT REDIS-PORT

GET / counts and answers with the number, GET /health only looks whether Redis
answers; 503 if it does not.  After SIGTERM nobody new is let in, and who is in is
still answered: so a restart behind a proxy costs no request.
"""
import signal
import socket
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PORT, REDIS = int(sys.argv[1]), int(sys.argv[2])


def redis(command):
    with socket.create_connection(("127.0.0.1", REDIS), timeout=2) as s:
        s.sendall(command + b"\r\n")
        answer = s.makefile("rb").readline().strip()
    if answer[:1] not in (b":", b"+"):
        raise OSError("redis: " + answer.decode(errors="replace"))
    return answer[1:]


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        try:
            health = self.path == "/health"
            code, text = 200, redis(b"PING" if health else b"INCR hits")
        except OSError as e:
            code, text = 503, str(e).encode()
        self.send_response(code)
        self.send_header("Content-Length", str(len(text) + 1))
        self.end_headers()
        self.wfile.write(text + b"\n")

    def log_request(self, code="-", size="-"):
        if self.path != "/health":
            print(self.path, code, flush=True)


class Server(ThreadingHTTPServer):
    daemon_threads = False  # server_close() waits for them
    request_queue_size = 128


server = Server(("127.0.0.1", PORT), Handler)
signal.signal(signal.SIGTERM,
              lambda *_: threading.Thread(target=server.shutdown).start())
print("serving on port", PORT, flush=True)
server.serve_forever(poll_interval=0.1)
server.server_close()
