"""Real lock files out of published packages and repositories, each in a directory of its own with its
manifests."""

import glob
import json
import os
import shutil
import subprocess
import tarfile
import urllib.request

# A directory with clones of repositories, `owner/name` below it; one that is not there is fetched.
CLONES = "STEPWELL_CLONES"
# What one package or one commit of a repository may take to fetch.
FETCH_S = 300
# The most bytes of a file that is taken out of a repository.
FILE_BYTES_MAX = 16 << 20


def prepare(entry, folder, python):
    """The directory with the lock file of an entry of inputs.json, and the file's name."""
    kind, _, package = entry["from"].partition(":")
    unpacked = os.path.join(folder, "unpacked", entry["name"])
    if not os.path.isdir(unpacked):
        fetched = unpacked + ".part"
        shutil.rmtree(fetched, ignore_errors=True)
        os.makedirs(fetched)
        FROM[kind](package, fetched, python)
        os.rename(fetched, unpacked)
    root = os.path.join(unpacked, os.path.dirname(entry["lock"]))
    place = os.path.join(folder, "inputs", entry["name"])
    shutil.rmtree(place, ignore_errors=True)
    os.makedirs(place)
    name = os.path.basename(entry["lock"])
    shutil.copy(os.path.join(unpacked, entry["lock"]), place)
    for pattern in entry["beside"]:
        for path in glob.glob(os.path.join(unpacked, pattern), recursive=True):
            to = os.path.join(place, os.path.relpath(path, root))
            os.makedirs(os.path.dirname(to), exist_ok=True)
            shutil.copy(path, to)
    # Each is a repository of its own, whatever repository it lies in.
    for root in (place, unpacked):
        subprocess.run(["git", "init", "--quiet", root], check=True)
    return place, name


def from_pypi(package, to, python):
    """The source distribution, without running any of it, as pip would by building its metadata."""
    ask = "from pip._internal.models.index import PyPI; print(PyPI.simple_url)"
    configured = subprocess.run(
        [python, "-m", "pip", "config", "get", "global.index-url"], capture_output=True, text=True
    )
    index = os.environ.get("PIP_INDEX_URL") or configured.stdout.strip()
    index = index or subprocess.run(
        [python, "-c", ask], capture_output=True, text=True, check=True
    ).stdout.strip()
    name, version = package.split("==")
    request = urllib.request.Request(
        f"{index.rstrip('/')}/{name}/", headers={"Accept": "application/vnd.pypi.simple.v1+json"}
    )
    files = json.load(urllib.request.urlopen(request, timeout=60))["files"]
    archive = next(
        file for file in files
        if file["filename"].endswith(".tar.gz") and file["filename"][:-7].endswith(f"-{version}")
    )
    path, _ = urllib.request.urlretrieve(archive["url"], os.path.join(to, "archive"))
    unpack(path, to)


def from_npm(package, to, _python):
    subprocess.run(
        ["npm", "pack", "--silent", package, "--pack-destination", to], check=True,
        stdout=subprocess.DEVNULL, timeout=FETCH_S,
    )
    unpack(glob.glob(os.path.join(to, "*.tgz"))[0], to)


def from_go(package, to, _python):
    """A module's own files. They are kept out of the cache of whoever runs this."""
    cache = os.path.join(os.path.dirname(os.path.dirname(to)), "go", "mod")
    told = subprocess.run(
        ["go", "mod", "download", "-json", package], capture_output=True, text=True, cwd=to,
        timeout=FETCH_S, env={**os.environ, "GOMODCACHE": cache},
    )
    where = json.loads(told.stdout)
    if "Dir" not in where:
        raise LookupError(where.get("Error"))
    for name in ("go.mod", "go.sum"):
        if os.path.exists(os.path.join(where["Dir"], name)):
            shutil.copy(os.path.join(where["Dir"], name), to)


def from_git(package, to, _python):
    """The files of one commit; links and what a partial clone lacks are left out."""
    repository, _, commit = package.partition("@")
    clone = os.path.join(os.environ.get(CLONES, ""), repository)
    if not os.path.isdir(clone):
        clone = os.path.join(to, ".clone")
        subprocess.run(["git", "init", "--quiet", "--bare", clone], check=True)
        address = f"https://github.com/{repository}"
        subprocess.run(
            ["git", "-C", clone, "fetch", "--quiet", "--depth", "1", address, commit], check=True,
            stderr=subprocess.DEVNULL, timeout=FETCH_S,
        )
    listed = subprocess.run(
        ["git", "-C", clone, "ls-tree", "-r", "-z", commit], capture_output=True, check=True
    ).stdout.split(b"\0")
    wanted = [line.partition(b"\t") for line in listed if line.startswith(b"100")]
    blobs = subprocess.Popen(
        ["git", "-C", clone, "cat-file", "--batch"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    for facts, _, path in wanted:
        blobs.stdin.write(facts.split()[2] + b"\n")
        blobs.stdin.flush()
        head = blobs.stdout.readline().split()
        if head[-1] == b"missing":
            continue
        content = blobs.stdout.read(int(head[2]) + 1)[:-1]
        if len(content) <= FILE_BYTES_MAX:
            place = os.path.join(os.fsencode(to), path)
            os.makedirs(os.path.dirname(place), exist_ok=True)
            with open(place, "wb") as file:
                file.write(content)
    blobs.stdin.close()
    blobs.wait()
    shutil.rmtree(os.path.join(to, ".clone"), ignore_errors=True)


FROM = {"pypi": from_pypi, "npm": from_npm, "go": from_go, "git": from_git}


def unpack(path, to):
    """What is in an archive, without the one directory that everything lies in."""
    with tarfile.open(path) as archive:
        for member in archive.getmembers():
            member.name = member.name.partition("/")[2]
            if member.name and (member.isfile() or member.isdir()):
                archive.extract(member, to, filter="data")
    os.remove(path)
