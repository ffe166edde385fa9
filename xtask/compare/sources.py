"""Real lock files out of published packages, each in a directory of its own with its manifests."""

import glob
import json
import os
import shutil
import subprocess
import sys
import tarfile
import urllib.request


def prepare(entry, folder, python):
    """The directory with the lock file of an entry of inputs.json, and the file's name."""
    kind, _, package = entry["from"].partition(":")
    unpacked = os.path.join(folder, "unpacked", entry["name"])
    if not os.path.isdir(unpacked):
        fetched = unpacked + ".part"
        shutil.rmtree(fetched, ignore_errors=True)
        os.makedirs(fetched)
        {"pypi": from_pypi, "npm": from_npm, "go": from_go}[kind](package, fetched, python)
        os.rename(fetched, unpacked)
    root = os.path.join(unpacked, os.path.dirname(entry["lock"]))
    place = os.path.join(folder, "inputs", entry["name"])
    shutil.rmtree(place, ignore_errors=True)
    os.makedirs(place)
    name = os.path.basename(entry["lock"])
    shutil.copy(os.path.join(unpacked, entry["lock"]), place)
    for pattern in entry["beside"]:
        for path in glob.glob(os.path.join(unpacked, pattern)):
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
        stdout=subprocess.DEVNULL,
    )
    unpack(glob.glob(os.path.join(to, "*.tgz"))[0], to)


def from_go(package, to, _python):
    told = subprocess.run(
        ["go", "mod", "download", "-json", package], capture_output=True, text=True, cwd=to
    )
    where = json.loads(told.stdout)
    if "Dir" not in where:
        sys.exit(f"{package}: {where.get('Error')}")
    for name in ("go.mod", "go.sum"):
        if os.path.exists(os.path.join(where["Dir"], name)):
            shutil.copy(os.path.join(where["Dir"], name), to)


def unpack(path, to):
    """What is in an archive, without the one directory that everything lies in."""
    with tarfile.open(path) as archive:
        for member in archive.getmembers():
            member.name = member.name.partition("/")[2]
            if member.name and (member.isfile() or member.isdir()):
                archive.extract(member, to, filter="data")
    os.remove(path)
