"""Prints the first of N ports in a row, a multiple of ten, that nobody
uses now: ports.py N (at most ten)."""
import random
import socket
import sys


def is_free(port):
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            s.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


while True:
    # Above what servers like, below what clients are given.
    first = random.randrange(1500, 3200) * 10
    if all(is_free(first + i) for i in range(int(sys.argv[1]))):
        print(first)
        break
