"""What a lock file itself lists, counted another way than the tools do: packages and edges.

Each function takes the text of a lock file and gives the third-party packages as purls without
qualifiers, and the edges between them.
"""

import json
import re
import subprocess
import tempfile
import tomllib

# Where each format's counting is not exact, the edges are None: not compared.


def purl(kind, name, version):
    if kind == "npm":
        name = name.replace("@", "%40", 1) if name.startswith("@") else name
    if kind == "pypi":
        name = re.sub(r"[-_.]+", "-", name).lower()
    return f"pkg:{kind}/{name}@{version}" if version else f"pkg:{kind}/{name}"


def cargo(text):
    packages = tomllib.loads(text)["package"]
    by_name = {}
    for package in packages:
        by_name.setdefault(package["name"], []).append(package)
    key = lambda p: purl("cargo", p["name"], p["version"].replace("+", "%2B"))
    foreign = {key(p) for p in packages if "source" in p}
    edges = set()
    for package in packages:
        for wanted in package.get("dependencies", []):
            name, *rest = wanted.split(" ")
            found = [p for p in by_name[name] if not rest or p["version"] == rest[0]]
            edges.update((key(package), key(p)) for p in found)
    return foreign, {(a, b) for a, b in edges if a in foreign and b in foreign}


def uv(text):
    packages = tomllib.loads(text)["package"]
    own = ("editable", "virtual", "directory")
    is_own = lambda p: any(kind in p["source"] for kind in own)
    key = lambda p: purl("pypi", p["name"], p.get("version"))
    foreign = {key(p) for p in packages if not is_own(p)}
    edges = set()
    for package in packages:
        groups = [package.get("dependencies", [])]
        groups += package.get("optional-dependencies", {}).values()
        groups += package.get("dev-dependencies", {}).values()
        for wanted in (one for group in groups for one in group):
            version = wanted.get("version")
            found = [
                p for p in packages
                if p["name"] == wanted["name"] and version in (None, p.get("version"))
            ]
            edges.update((key(package), key(p)) for p in found if p is not package)
    return foreign, {(a, b) for a, b in edges if a in foreign and b in foreign}


def npm(text):
    packages = json.loads(text)["packages"]
    name_of = lambda at, p: p.get("name") or at.rsplit("node_modules/", 1)[1]
    installed = {
        at: purl("npm", name_of(at, p), p.get("version"))
        for at, p in packages.items()
        if "node_modules/" in at and not p.get("link")
    }
    edges = set()
    sections = ("dependencies", "optionalDependencies", "peerDependencies")
    for at, ours in installed.items():
        for name in {name for s in sections for name in packages[at].get(s, {})}:
            above = at
            while True:
                found = f"{above}/node_modules/{name}" if above else f"node_modules/{name}"
                if found in packages:
                    if found in installed:
                        edges.add((ours, installed[found]))
                    break
                if not above:
                    break
                above = above.rpartition("node_modules/")[0].rstrip("/")
    return set(installed.values()), {(a, b) for a, b in edges if a != b}


def pnpm(text):
    import yaml

    document = list(yaml.safe_load_all(text))[-1]
    bare = lambda key: key.split("(")[0]

    def key(identifier):
        name, _, version = bare(identifier).rpartition("@")
        return purl("npm", name, version)

    snapshots = document.get("snapshots", {})
    foreign = {key(one) for one in document["packages"] if "@file:" not in one and "@link:" not in one}
    edges = set()
    for one, snapshot in snapshots.items():
        needs = {**snapshot.get("dependencies", {}), **snapshot.get("optionalDependencies", {})}
        for name, wanted in needs.items():
            full = f"{name}@{wanted}"
            to = full if full in snapshots else wanted
            edges.add((key(one), key(to)))
    return foreign, {(a, b) for a, b in edges if a in foreign and b in foreign and a != b}


def berry(text):
    import yaml

    document = yaml.safe_load(text)
    document.pop("__metadata")
    by_descriptor, foreign = {}, set()
    for descriptors, entry in document.items():
        name, _, reference = entry["resolution"].rpartition("@npm:")
        own = "@workspace:" in entry["resolution"]
        if not name:
            name = entry["resolution"].split("@patch:")[0]
        ours = None if own else purl("npm", name, entry["version"])
        if ours:
            foreign.add(ours)
        for descriptor in descriptors.split(", "):
            by_descriptor[descriptor] = ours
    edges = set()
    for descriptors, entry in document.items():
        ours = by_descriptor[descriptors.split(", ")[0]]
        for name, wanted in entry.get("dependencies", {}).items():
            to = by_descriptor.get(f"{name}@{wanted}") or by_descriptor.get(f"{name}@npm:{wanted}")
            if ours and to and ours != to:
                edges.add((ours, to))
    return foreign, edges


def go_mod(text):
    """By Go's own reader; a go.mod has no edges."""
    with tempfile.NamedTemporaryFile("w", suffix=".mod") as file:
        file.write(text)
        file.flush()
        told = subprocess.run(
            ["go", "mod", "edit", "-json", file.name], capture_output=True, text=True, check=True
        )
    module = json.loads(told.stdout)
    replaced = {
        (one["Old"]["Path"], one["Old"].get("Version")): one["New"]
        for one in module.get("Replace") or []
    }
    foreign = set()
    for one in module.get("Require") or []:
        path, version = one["Path"], one["Version"]
        new = replaced.get((path, version)) or replaced.get((path, None))
        if new and "Version" not in new:
            continue
        if new:
            path, version = new["Path"], new["Version"]
        foreign.add(purl("golang", path.lower(), version.replace("+", "%2B")))
    return foreign, set()


TRUTHS = {
    "go.mod": go_mod,
    "Cargo.lock": cargo,
    "uv.lock": uv,
    "package-lock.json": npm,
    "npm-shrinkwrap.json": npm,
    "pnpm-lock.yaml": pnpm,
    "yarn.lock": berry,
}
