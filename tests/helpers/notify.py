#!/usr/bin/python3
"""Says lines to NOTIFY_SOCKET as sd_notify does, and goes on as told.

notify.py WORD...: each WORD is one message (a NUL-free text, "\\n" between its
lines), or `wait:FILE` (until FILE exists), `ping:SECONDS:FILE` (WATCHDOG=1 each
SECONDS while FILE does not exist), `sleep` (for ever).
"""
import os
import socket
import sys
import time


def send(text):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        s.connect(os.environ["NOTIFY_SOCKET"])
        s.send(text.encode())


for word in sys.argv[1:]:
    kind, _, rest = word.partition(":")
    if kind == "wait":
        while not os.path.exists(rest):
            time.sleep(0.02)
    elif kind == "ping":
        seconds, _, path = rest.partition(":")
        while not os.path.exists(path):
            send("WATCHDOG=1")
            time.sleep(float(seconds))
    elif word == "sleep":
        while True:
            time.sleep(1000)
    else:
        send(word.replace("\\n", "\n"))
