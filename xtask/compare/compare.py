"""Compares the bills of materials of several tools on real lock files: `cargo xtask compare`.

Each tool is run on each input alone, several times; what it found is held against what the lock file
itself lists (`truth.py`). Writes a table in Markdown to standard output.
"""

import json
import os
import re
import resource
import subprocess
import sys
import time

import peers
import sources
import truth

RUNS = 3
TIMEOUT_S = 120
# How many whole trees are gone through, the largest first.
TREES = 5


def main(stepwell, folder):
    os.makedirs(folder, exist_ok=True)
    venv = peers.install(folder)
    python = os.path.join(venv, "bin", "python")
    with open(os.path.join(os.path.dirname(__file__), "inputs.json")) as file:
        inputs = json.load(file)
    rows = []
    for entry in inputs:
        place, name = sources.prepare(entry, folder, python)
        text = open(os.path.join(place, name)).read()
        wanted = truth.TRUTHS[name](text)
        print(f"{entry['name']}: {len(wanted[0])} packages, {len(wanted[1])} edges", file=sys.stderr)
        for peer, command in peers.commands(folder, stepwell).items():
            if name not in peers.ONLY.get(peer, {name}):
                continue
            argv = command(place)
            if not (os.path.exists(argv[0]) or argv[0] == "npm"):
                continue
            rows.append((entry["name"], name, peer, measure(argv, place, wanted)))
    print_table(rows)
    print_trees(folder, [entry["name"] for entry in inputs], stepwell)


def measure(argv, place, wanted):
    """The best of several runs, and what the bill of the last one says."""
    best, bills = None, []
    for _ in range(RUNS):
        bill, told = run(argv, place)
        bills.append(bill)
        best = told if best is None else tuple(map(min, best, told))
    found = read(bills[-1])
    same = "bytes" if len(set(bills)) == 1 else "no"
    if same == "no" and len({json.dumps(read(bill)[:2], default=sorted) for bill in bills}) == 1:
        same = "content"
    return {"best": best, "same": same, **score(found, wanted)}


def run(argv, place):
    """The bill as text, and wall seconds, CPU seconds and the peak of memory in bytes."""
    out = os.path.join(place, "cdxgen-bill.json")
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.monotonic()
    child = subprocess.Popen(argv, cwd=place, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        text, _ = child.communicate(timeout=TIMEOUT_S)
    except subprocess.TimeoutExpired:
        child.kill()
        text, _ = child.communicate()
    wall = time.monotonic() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    if os.path.exists(out):
        text = open(out, "rb").read()
        os.remove(out)
    return text, (wall, cpu, peak(argv, place, out))


def peak(argv, place, out):
    """The peak of memory of one run, children included: the maximum of this process's children is
    of all runs before, so another process asks."""
    ask = (
        "import resource,subprocess,sys;"
        "subprocess.run(sys.argv[1:],stdout=subprocess.DEVNULL,stderr=subprocess.DEVNULL);"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    told = subprocess.run([sys.executable, "-c", ask, *argv], cwd=place, capture_output=True, text=True)
    if os.path.exists(out):
        os.remove(out)
    return int(told.stdout.strip() or 0) * 1024


def plain(purl):
    """A purl without qualifiers and subpath, and with Python's names as the index has them."""
    purl = purl.split("?")[0].split("#")[0].replace("@npm:", "@")
    kind, _, rest = purl.partition("/")
    if kind == "pkg:pypi":
        name, at, version = rest.partition("@")
        rest = re.sub(r"[-_.]+", "-", name).lower() + at + version
    return f"{kind}/{rest}".replace("pkg:npm/@", "pkg:npm/%40")


def read(text):
    """Packages, edges, the number of references that are there twice, and of those to nothing."""
    try:
        bill = json.loads(text)
    except ValueError:
        return set(), set(), 0, 0
    listed, refs, stack = [], {}, list(bill.get("components", []))
    while stack:
        component = stack.pop()
        stack.extend(component.get("components", []))
        if component.get("purl") and component.get("type") != "file":
            listed.append(component)
        refs.setdefault(component.get("bom-ref"), []).append(component)
    root = bill.get("metadata", {}).get("component", {})
    refs.setdefault(root.get("bom-ref"), []).append(root)
    name = {ref: plain(c[0]["purl"]) for ref, c in refs.items() if c[0].get("purl")}
    edges, dangling = set(), 0
    for one in bill.get("dependencies", []):
        for to in one.get("dependsOn", []):
            dangling += to not in refs
            if one["ref"] in name and to in name and name[one["ref"]] != name[to]:
                edges.add((name[one["ref"]], name[to]))
    twice = sum(len(c) - 1 for ref, c in refs.items() if ref)
    return {plain(c["purl"]) for c in listed}, edges, twice, dangling


def score(found, wanted):
    """What was missed and what is false. The project's own packages are no fault."""
    packages, edges, twice, dangling = found
    foreign, wanted_edges = wanted
    foreign = {plain(p) for p in foreign}
    wanted_edges = {(plain(a), plain(b)) for a, b in wanted_edges}
    wanted_edges = {(a, b) for a, b in wanted_edges if a != b}
    inner = {(a, b) for a, b in edges if a in foreign and b in foreign}
    return {
        "found": len(packages & foreign),
        "missed": len(foreign - packages),
        "other": len(packages - foreign),
        "edges": len(inner & wanted_edges),
        "edges_missed": len(wanted_edges - inner),
        "edges_false": len(inner - wanted_edges),
        "twice": twice,
        "dangling": dangling,
    }


def print_table(rows):
    print("| input | tool | wall ms | CPU ms | MiB | found | missed | other | edges | missed | false "
          "| same twice | double refs | dangling |")
    print("|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|---|--:|--:|")
    for name, lock, peer, told in rows:
        wall, cpu, memory = told["best"]
        print(
            f"| {name} ({lock}) | {peer} | {wall * 1000:.0f} | {cpu * 1000:.0f} | {memory / 2**20:.0f} "
            f"| {told['found']} | {told['missed']} | {told['other']} | {told['edges']} "
            f"| {told['edges_missed']} | {told['edges_false']} | {told['same']} "
            f"| {told['twice']} | {told['dangling']} |"
        )


def print_trees(folder, names, stepwell):
    """Time and memory on all that the largest packages have, lock files of others included."""
    trees = [(count_files(os.path.join(folder, "unpacked", name)), name) for name in names]
    print("\n| whole tree (files) | tool | wall ms | CPU ms | MiB |")
    print("|---|---|--:|--:|--:|")
    for files, name in sorted(trees, reverse=True)[:TREES]:
        place = os.path.join(folder, "unpacked", name)
        for peer in ("stepwell", "trivy", "syft", "cdxgen"):
            argv = peers.commands(folder, stepwell)[peer](place)
            if not os.path.exists(argv[0]):
                continue
            told = [run(argv, place)[1] for _ in range(RUNS)]
            wall, cpu, memory = map(min, zip(*told))
            print(
                f"| {name} ({files}) | {peer} | {wall * 1000:.0f} | {cpu * 1000:.0f} "
                f"| {memory / 2**20:.0f} |"
            )


def count_files(place):
    return sum(len(files) for _, _, files in os.walk(place))


if __name__ == "__main__":
    main(os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2]))
