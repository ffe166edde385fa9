"""Looks at everything that Python and its library give a program, and tells it as one JSON object."""

# All of it at the top: what is not imported when the component is built cannot be imported later.
import datetime
import encodings.idna
import getpass
import hashlib
import json
import os
import platform
import random
import secrets
import shutil
import socket
import sys
import tempfile
import threading
import time
import uuid

from wit_world import exports
from wit_world.imports import log, repository


class Handler(exports.Handler):
    """The tool."""

    def call(self, input: str) -> str:
        asked = json.loads(input)
        # What a tool usually does, for measuring.
        if "read" in asked:
            return json.dumps({"text": repository.read(repository.Tree.HEAD, asked["read"]).decode()})
        log.write(log.Level.INFO, "looking")
        seen = {"language": "python", "input": asked}
        for look in (times, randomness, surroundings, addresses, order, files, scratch, sockets):
            seen |= look()
        text = json.dumps(seen)
        print(f"looked at {len(text)} characters of what there is")
        print("and wrote this to the other stream", file=sys.stderr)
        return text


def tried(function, *arguments):
    """What it gives, or the error's words."""
    try:
        return function(*arguments)
    except Exception as problem:
        return f"{type(problem).__name__}: {problem}"


def times():
    clocks = {name: repr(tried(getattr(time, name))) for name in (
        "time_ns", "monotonic_ns", "perf_counter_ns", "process_time_ns", "thread_time_ns",
    ) if hasattr(time, name)}
    wall = [stamp(time.time_ns()), stamp(time.time_ns())]
    before = time.time_ns()
    slept = tried(time.sleep, 0.001)
    return {
        "wall": wall,
        "monotonic": [time.monotonic_ns(), time.monotonic_ns()],
        "clocks": clocks,
        "slept": [slept, time.time_ns() - before],
        "local_time": [str(datetime.datetime.now()), str(time.localtime()), time.tzname],
    }


def stamp(nanoseconds):
    return f"{nanoseconds // 10**9}.{nanoseconds % 10**9:09}"


def randomness():
    return {"random": {
        "random": [random.random(), random.getrandbits(64), random.sample(range(100), 8)],
        "urandom": os.urandom(16).hex(),
        "system": random.SystemRandom().getrandbits(64),
        "secrets": secrets.token_hex(16),
        "uuid4": str(uuid.uuid4()),
        "uuid1": str(tried(uuid.uuid1)),
        "node": tried(uuid.getnode),
        "seeded afresh": random.Random().random(),
    }}


def surroundings():
    return {
        "environment": list(os.environ.items()),
        "arguments": [sys.argv, tried(lambda: sys.orig_argv), sys.executable],
        "directory": tried(os.getcwd),
        "home": tried(os.path.expanduser, "~"),
        "host": tried(socket.gethostname),
        "platform": {
            "system": [sys.platform, sys.version, sys.path, sys.flags.hash_randomization],
            "uname": tried(lambda: str(platform.uname())),
            "process": tried(os.getpid) if hasattr(os, "getpid") else None,
            "user": tried(getpass.getuser),
            "processors": os.cpu_count(),
            "encodings": [sys.getfilesystemencoding(), sys.stdout.encoding],
            "threads": [threading.active_count(), threading.get_ident()],
            "thread": tried(lambda: threading.Thread(target=int).start()),
            "disk": tried(lambda: str(shutil.disk_usage("/"))),
        },
    }


def addresses():
    return {"addresses": [
        id(object()), id("a string of its own"), repr(object()), repr(lambda: 0), hash(object()),
    ]}


def order():
    names = [f"name {number}" for number in range(40)]
    return {
        "hash": [hash("a string"), hash(b"bytes"), hash(3.5), hash(None)],
        "order": {"set": list(set(names)), "objects": [hash(Handler), hash(tried)]},
    }


def files():
    return {
        "root": tried(lambda: [(entry.name, entry.is_dir(), entry.inode()) for entry in os.scandir("/")]),
        "listed": tried(os.listdir, "/"),
        "walked": tried(lambda: list(os.walk("/folder"))),
        "stat": look("/seen.txt"),
        "file": read_back("/seen.txt"),
        "repository": tried(lambda: repository.read(repository.Tree.HEAD, "seen.txt").decode()),
        "digest": tried(lambda: hashlib.file_digest(open("/seen.txt", "rb"), "sha256").hexdigest()),
        "missing": read_back("/missing.txt"),
        "machine": read_back("/etc/passwd"),
    }


def look(path):
    # The floats of os.stat hide digits: take the numbers.
    def facts():
        found = os.stat(path)
        return {name: getattr(found, name) for name in sorted(dir(found)) if name.startswith("st_")}
    return tried(facts)


def read_back(path):
    def read():
        with open(path, encoding="utf-8") as file:
            return file.read()
    return tried(read)


def scratch():
    def write(path):
        with open(path, "w", encoding="utf-8") as file:
            return file.write("kept for one call")
    return {"scratch": {
        "written": tried(write, "/tmp/note"),
        "back": read_back("/tmp/note"),
        "stat": look("/tmp/note"),
        "temporary": tried(lambda: tempfile.mkstemp()[1]),
        "folder": tried(tempfile.mkdtemp),
        "entries": tried(os.listdir, "/tmp"),
        "repository for writing": tried(write, "/seen.txt"),
    }}


def sockets():
    def dial():
        with socket.create_connection(("127.0.0.1", 9), 1):
            return "connected"
    return {"socket": {
        "dial": tried(dial),
        "resolve": tried(socket.getaddrinfo, "example.invalid", 80),
        "tcp": tried(lambda: str(socket.socket())),
        "udp": tried(lambda: str(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))),
    }}
