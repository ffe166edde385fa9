"""Compares the bills of materials of several tools on real lock files: `cargo xtask compare`.

Each tool is run on each input alone, several times; what it found is held against what the lock file
itself lists (`truth.py`). Writes tables in Markdown to standard output, and what went wrong to standard
error. A peer or an input that fails costs its row.
"""

import hashlib
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import urllib.parse

import peers
import sources
import truth

RUNS = 3
# What takes longer than this is not run again.
SLOW_S = 3.0
# What one run of a peer on one input may take; it is not run again after that.
LIMIT_S = 120
# What checking all bills of one input may take.
VALID_S = 300
# How many whole trees are gone through, the largest first, and by whom.
TREES = 5
TREE_PEERS = ("stepwell", "trivy", "syft", "cdxgen")
# What a project is called that has no name of its own.
NAMELESS = "root"
# Who is measured against whom.
OURS, FASTEST = "stepwell", "trivy"


def main(built, folder):
    os.makedirs(folder, exist_ok=True)
    # As it is installed: a linker's own file lies in memory piece by piece, and starts later.
    stepwell = shutil.copy(built, os.path.join(folder, "stepwell"))
    venv = peers.install(folder)
    python = os.path.join(venv, "bin", "python")
    # The chore's own interpreter may lack what reads YAML.
    sys.path += [os.path.join(venv, "lib", f"python{sys.version_info[0]}.{sys.version_info[1]}",
                              "site-packages")]
    with open(os.path.join(os.path.dirname(__file__), "inputs.json")) as file:
        inputs = json.load(file)
    commands = peers.commands(folder, stepwell)
    # The code of its tools is compiled once on a machine, and not measured: as peers are installed.
    subprocess.run([stepwell, "tool", "call", "sbom", "--repo", folder, "--args",
                    '{"lockfiles": ["none"]}'], capture_output=True, check=False)
    rows, ready = [], []
    for entry in inputs:
        try:
            place, name = sources.prepare(entry, folder, python)
            with open(os.path.join(place, name)) as file:
                wanted = truth.TRUTHS[name](file.read(), place)
        except Exception as error:  # noqa: BLE001, whatever it is, the others go on
            say(f"SKIPPED LOUDLY: {entry['name']} ({entry['from']}): {error!r}")
            continue
        ready.append(entry["name"])
        say(f"{entry['name']}: {len(wanted.packages)} packages, {len(wanted.edges)} edges")
        rows += measure_all(entry["name"], name, place, wanted, commands, folder)
    print(f"{len(ready)} inputs. {peers.versions(folder)}.\n")
    print_summary(rows)
    print_ratios(rows)
    print_table(rows)
    print_trees(folder, ready, commands)


def say(line):
    print(line, file=sys.stderr, flush=True)


def measure_all(entry, lock, place, wanted, commands, folder):
    """A row for each tool that reads such a lock file."""
    rows = []
    for peer, command in commands.items():
        if lock not in peers.ONLY.get(peer, {lock}):
            continue
        out = os.path.join(folder, "bills", entry, f"{peer}.json".replace(" ", "-"))
        os.makedirs(os.path.dirname(out), exist_ok=True)
        told = kept(command, place, lock, out, peer, wanted)
        rows.append((entry, lock, peer, told or measure(command, place, out, wanted)))
    bills = [told for *_, told in rows if not told["failed"] and not told.get("is_kept")]
    for told, fault in zip(bills, faults(folder, [told["bill"] for told in bills])):
        told["fault"] = fault
    for _, _, peer, told in rows:
        out = os.path.join(folder, "bills", entry, f"{peer}.json".replace(" ", "-"))
        keep(commands[peer], place, lock, out, told)
    for _, _, peer, told in rows:
        if told["failed"] or told["fault"]:
            say(f"  {peer}: {told['failed'] or told['fault']}")
    return rows


def mark(command, place, lock):
    """What a measurement is of: the program, how it is asked, and the lock file."""
    argv = command(place, "")
    program = os.stat(argv[0]) if os.path.exists(argv[0]) else None
    with open(os.path.join(place, lock), "rb") as file:
        digest = hashlib.sha256(file.read()).hexdigest()
    return [argv, program and [program.st_size, int(program.st_mtime)], digest]


def kept(command, place, lock, out, peer, wanted):
    """A measurement of an earlier run of this chore, which may have been ended; what its bill says is
    counted anew. Those that are measured against each other are always measured in one run."""
    try:
        with open(f"{out}.kept") as file:
            old = json.load(file)
        if peer in (OURS, FASTEST) or old["mark"] != mark(command, place, lock):
            return None
        told = {**old["told"], "is_kept": True}
        if not told["failed"]:
            with open(out, "rb") as file:
                told.update(score(read(file.read()), wanted))
        return told
    except (OSError, ValueError):
        return None


def keep(command, place, lock, out, told):
    with open(f"{out}.kept", "w") as file:
        json.dump({"mark": mark(command, place, lock), "told": told}, file)


def measure(command, place, out, wanted):
    """The best of several runs, and what the bill of the last one says."""
    runs, bills = [], []
    for _ in range(RUNS):
        text, told = run(command, place, out)
        runs.append(told)
        bills.append(text)
        if told["ended"] or told["wall"] > SLOW_S:
            break
    best = {key: min(told[key] for told in runs) for key in ("wall", "cpu", "bytes")}
    found = read(bills[-1])
    if found is None or runs[-1]["ended"]:
        why = f"not done within {LIMIT_S} s" if runs[-1]["ended"] else runs[-1]["last"]
        return {"failed": why or f"no bill, exit code {runs[-1]['code']}", "fault": "", "best": best}
    same = "bytes" if len(set(bills)) == 1 else "no"
    if len(bills) == 1:
        same = "once"
    if same == "no" and len({json.dumps(read(bill)[:2], default=sorted) for bill in bills}) == 1:
        same = "content"
    scored = score(found, wanted)
    return {"failed": "", "fault": "", "best": best, "same": same, "bill": out, **scored}


def run(command, place, out):
    """The bill as bytes, and what `run.py` tells. Without network, where the system lets us."""
    written = f"{out}.written"
    helper = [sys.executable, "-I", os.path.join(os.path.dirname(__file__), "run.py")]
    asked = subprocess.run(
        [*helper, str(LIMIT_S), out, *OFFLINE, *command(place, written)], cwd=place,
        capture_output=True, text=True, check=True, env={**os.environ, **peers.SETTINGS},
    )
    told = json.loads(asked.stdout)
    if os.path.exists(written):
        os.replace(written, out)
    with open(out, "rb") as file:
        return file.read(), told


def offline():
    """What goes before a command so that it has no network; nothing where that is not to be had."""
    prefix = ["unshare", "--net"]
    try:
        if subprocess.run([*prefix, "true"], capture_output=True).returncode == 0:
            return prefix
    except OSError:
        pass
    say("SKIPPED LOUDLY: nobody can be kept off the network here, so peers may look things up")
    return []


OFFLINE = offline()


def faults(folder, bills):
    """For each file, what its schema finds first; nothing where it is valid."""
    script = os.path.join(os.path.dirname(__file__), "valid.mjs")
    try:
        done = subprocess.run(
            ["node", script, folder], input="\n".join(bills), capture_output=True, text=True,
            timeout=VALID_S, check=True,
        )
        lines = done.stdout.split("\n")[: len(bills)]
    except (OSError, subprocess.SubprocessError) as error:
        say(f"SKIPPED LOUDLY: the schemas cannot be asked: {error}")
        lines = []
    return lines + ["not checked"] * (len(bills) - len(lines))


def plain(purl):
    """A purl without qualifiers and subpath, as the type's definition spells it: tools differ in
    what they keep of a lock file's spelling."""
    purl, _, below = purl.partition("#")
    purl = purl.split("?")[0].replace("@npm:", "@")
    kind, _, rest = purl.partition("/")
    name, at, version = rest.rpartition("@")
    if not name:
        name, at, version = rest, "", ""
    if kind == "pkg:pypi":
        name = re.sub(r"[-_.]+", "-", name).lower()
    if kind == "pkg:gem":
        # What follows is the platform that a gem was built for.
        version = version.split("-")[0]
    if kind in ("pkg:composer", "pkg:swift"):
        name, version = name.lower(), version.removeprefix("v")
    if kind == "pkg:golang":
        # Some write the end of a module's path as a path below it.
        name = f"{name}/{below}".rstrip("/").lower()
    return f"{kind}/{urllib.parse.unquote(name)}{at}{urllib.parse.unquote(version)}"


def name_of(purl):
    rest = purl.partition("/")[2]
    return (rest.rpartition("@")[0] or rest).lower()


def read(text):
    """Packages, edges, and how many references stand for two components, for none, and how many
    components nothing leads to from the root. None where it is no bill."""
    try:
        bill = json.loads(text)
    except ValueError:
        return None
    if not isinstance(bill, dict) or bill.get("bomFormat") != "CycloneDX":
        return None
    listed, refs, stack = set(), {}, list(bill.get("components") or [])
    while stack:
        component = stack.pop()
        stack.extend(component.get("components") or [])
        if component.get("purl") and component.get("type") != "file":
            listed.add(plain(component["purl"]))
        refs.setdefault(component.get("bom-ref"), []).append(component)
    root = bill.get("metadata", {}).get("component", {})
    refs.setdefault(root.get("bom-ref"), []).append(root)
    name = {ref: plain(c[0]["purl"]) for ref, c in refs.items() if c[0].get("purl")}
    edges, dangling, after = set(), 0, {}
    for one in bill.get("dependencies") or []:
        for to in one.get("dependsOn") or []:
            dangling += to not in refs
            after.setdefault(one["ref"], []).append(to)
            if one["ref"] in name and to in name and name[one["ref"]] != name[to]:
                edges.add((name[one["ref"]], name[to]))
    twice = sum(len(c) - 1 for ref, c in refs.items() if ref)
    reached, open_refs = set(), [root.get("bom-ref")]
    while open_refs:
        ref = open_refs.pop()
        if ref not in reached:
            reached.add(ref)
            open_refs += after.get(ref, [])
    return listed, edges, twice, dangling, len(set(name) - reached)


def score(found, wanted):
    """What was missed and what is false. The project's own packages are no fault."""
    packages, edges, twice, dangling, unreached = found
    foreign = {plain(p) for p in wanted.packages}
    wanted_edges = {(plain(a), plain(b)) for a, b in wanted.edges}
    wanted_edges = {(a, b) for a, b in wanted_edges if a != b}
    open_ones = {(plain(a), name_of(plain(b))) for a, b in wanted.open}
    inner = {(a, b) for a, b in edges
             if a in foreign and b in foreign and (a, name_of(b)) not in open_ones}
    own = {NAMELESS} | {name.lower() for name in wanted.own} | {truth.python_name(n) for n in wanted.own}
    false = {p for p in packages - foreign if name_of(p) not in own}
    return {
        "found": len(packages & foreign),
        "missed": len(foreign - packages),
        "false": len(false),
        "first": sorted(foreign - packages)[:3] + sorted(false)[:3],
        "edges": len(inner & wanted_edges) if wanted.has_edges else None,
        "edges_missed": len(wanted_edges - inner) if wanted.has_edges else None,
        "edges_false": len(inner - wanted_edges) if wanted.has_edges else None,
        "twice": twice,
        "dangling": dangling,
        "unreached": unreached,
    }


def print_summary(rows):
    """What each tool did on all inputs it was asked about."""
    print("| tool | inputs | no bill | found | missed | false | edges | missed | false | exact on "
          "| invalid | same bytes | wall ms | most MiB |")
    print("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|")
    for peer in dict.fromkeys(peer for _, _, peer, _ in rows):
        all_of = [told for _, _, one, told in rows if one == peer]
        done = [told for told in all_of if not told["failed"]]
        total = lambda key: sum(told[key] or 0 for told in done)
        flaws = ("missed", "false", "edges_missed", "edges_false")
        exact = sum(not any(told[key] for key in flaws) for told in done)
        wall = statistics.median(told["best"]["wall"] for told in all_of) * 1000
        memory = max(told["best"]["bytes"] for told in all_of) / 2**20
        print(
            f"| {peer} | {len(all_of)} | {len(all_of) - len(done)} | {total('found')} "
            f"| {total('missed')} | {total('false')} | {total('edges')} | {total('edges_missed')} "
            f"| {total('edges_false')} | {exact} | {sum(bool(told['fault']) for told in done)} "
            f"| {sum(told['same'] == 'bytes' for told in done)} | {wall:.0f} | {memory:.0f} |"
        )


def print_ratios(rows):
    """How long ours takes for each input, in parts of the fastest peer's time."""
    wall = {(entry, peer): told["best"]["wall"] for entry, _, peer, told in rows}
    parts = {entry: wall[entry, OURS] / wall[entry, FASTEST] for entry, peer in wall
             if peer == OURS and (entry, FASTEST) in wall}
    if parts:
        quarter = sum(part <= 0.25 for part in parts.values())
        print(
            f"\n`{OURS}` takes {min(parts.values()):.2f} to {max(parts.values()):.2f} of the time of "
            f"`{FASTEST}`, in the middle {statistics.median(parts.values()):.2f}; at most a quarter on "
            f"{quarter} of {len(parts)} inputs."
        )


def print_table(rows):
    print("\n| input | tool | wall ms | CPU ms | MiB | found | missed | false | edges | missed "
          "| false | valid | same | refs |")
    print("|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|---|---|---|")
    number = lambda value: "" if value is None else value
    for entry, lock, peer, told in rows:
        best = told["best"]
        head = (
            f"| {entry} ({lock}) | {peer} | {best['wall'] * 1000:.0f} | {best['cpu'] * 1000:.0f} "
            f"| {best['bytes'] / 2**20:.0f} "
        )
        if told["failed"]:
            print(f"{head}| no bill: {cell(told['failed'])} | | | | | | | | |")
            continue
        print(
            f"{head}| {told['found']} | {told['missed']} | {told['false']} | {number(told['edges'])} "
            f"| {number(told['edges_missed'])} | {number(told['edges_false'])} "
            f"| {'no' if told['fault'] else 'yes'} | {told['same']} "
            f"| {told['twice']}/{told['dangling']}/{told['unreached']} |"
        )
        if peer == OURS and told["first"]:
            say(f"  {entry}: {told['first']}")


def cell(text):
    """What a program said, in a cell of a table."""
    text = re.sub(r"\x1b\[[0-9;]*m|[|`<>]", "", text)
    return re.sub(r"/\S*/", "", text)[:60]


def print_trees(folder, names, commands):
    """Time and memory on all that the largest inputs have, lock files of others included."""
    trees = [(count_files(os.path.join(folder, "unpacked", name)), name) for name in names]
    print("\n| whole tree (files) | tool | wall ms | CPU ms | MiB |")
    print("|---|---|--:|--:|--:|")
    out = os.path.join(folder, "bills", "tree.json")
    for files, name in sorted(trees, reverse=True)[:TREES]:
        place = os.path.join(folder, "unpacked", name)
        for peer in (peer for peer in TREE_PEERS if peer in commands):
            runs = []
            for _ in range(RUNS):
                text, told = run(commands[peer], place, out)
                runs.append(told)
                if told["ended"]:
                    break
            best = {key: min(told[key] for told in runs) for key in ("wall", "cpu", "bytes")}
            failed = "" if read(text) and not runs[-1]["ended"] else " (no bill)"
            print(
                f"| {name} ({files}) | {peer}{failed} | {best['wall'] * 1000:.0f} "
                f"| {best['cpu'] * 1000:.0f} | {best['bytes'] / 2**20:.0f} |"
            )


def count_files(place):
    return sum(len(files) for at, _, files in os.walk(place) if ".git" not in at.split(os.sep))


if __name__ == "__main__":
    main(os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2]))
