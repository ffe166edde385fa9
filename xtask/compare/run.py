"""Runs one command and tells, as JSON, its wall and CPU seconds, the peak of memory in bytes and whether
it was ended: `run.py SECONDS OUTPUT COMMAND…`.

It is a process of its own, so that the memory of nobody else is counted: a child begins with what its
parent has.
"""

import json
import os
import resource
import signal
import subprocess
import sys
import time


def main(limit, output, command):
    with open(output, "wb") as out:
        started = time.monotonic()
        child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.PIPE, start_new_session=True
        )
        try:
            _, told = child.communicate(timeout=limit)
            ended = False
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            _, told = child.communicate()
            ended = True
        wall = time.monotonic() - started
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    last = told.decode(errors="replace").strip().splitlines()[-1:]
    print(json.dumps({
        "wall": wall,
        "cpu": used.ru_utime + used.ru_stime,
        "bytes": used.ru_maxrss * 1024,
        "ended": ended,
        "code": child.returncode,
        "last": last[0][:200] if last else "",
    }))


if __name__ == "__main__":
    main(float(sys.argv[1]), sys.argv[2], sys.argv[3:])
