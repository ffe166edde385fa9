"""What a lock file itself lists, counted another way than the tools do: packages and edges.

`TRUTHS` has a function for each name of a lock file. It takes the text and the directory that the file
lies in, and gives what is `Listed`.
"""

import collections
import glob
import json
import os
import re
import subprocess
import tempfile
import tomllib

# `packages`: what is of others, as purls without qualifiers. `edges`: pairs of them. `own`: names of
# the project's own packages, which a bill may list. `open`: `(package, name)` where the lock file
# leaves to who resolves which of several versions is meant; no edge is counted there.
# `has_edges`: whether such a lock file says who needs whom.
Listed = collections.namedtuple(
    "Listed", "packages edges own open has_edges", defaults=(frozenset(), frozenset(), True)
)


def purl(kind, name, version):
    if kind == "npm":
        name = name.replace("@", "%40", 1) if name.startswith("@") else name
    if kind == "pypi":
        name = re.sub(r"[-_.]+", "-", name).lower()
    return f"pkg:{kind}/{name}@{version}" if version else f"pkg:{kind}/{name}"


def inner(packages, edges):
    return {(a, b) for a, b in edges if a in packages and b in packages and a != b}


def by_name(kind, packages, needs):
    """Edges where a lock file names what is needed and not its version. `packages` are pairs of a
    name and a version, `needs` goes from a package to names."""
    at = collections.defaultdict(set)
    for name, version in packages:
        at[name].add(purl(kind, name, version))
    edges, open_ones = set(), set()
    for package, names in needs:
        for name in names:
            if len(at.get(name, ())) > 1:
                open_ones.add((purl(kind, *package), purl(kind, name, None)))
            edges.update((purl(kind, *package), one) for one in at.get(name, ()))
    listed = {purl(kind, *package) for package in packages}
    edges = {(a, b) for a, b in inner(listed, edges) if (a, b.rpartition("@")[0]) not in open_ones}
    return listed, edges, open_ones


def manifests(place, name, key=lambda document: document.get("name")):
    """The names that the manifests below a directory give their packages."""
    names = set()
    for path in glob.glob(os.path.join(place, "**", name), recursive=True):
        with open(path, "rb") as file:
            try:
                document = json.load(file) if name.endswith(".json") else tomllib.load(file)
            except ValueError:
                continue
        names.add(key(document))
    return names - {None}


def cargo(text, _place):
    packages = tomllib.loads(text)["package"]
    named = collections.defaultdict(list)
    for package in packages:
        named[package["name"]].append(package)
    key = lambda p: purl("cargo", p["name"], p["version"].replace("+", "%2B"))
    foreign = {key(p) for p in packages if "source" in p}
    edges = set()
    for package in packages:
        for wanted in package.get("dependencies", []):
            name, *rest = wanted.split(" ")
            found = [p for p in named[name] if not rest or p["version"] == rest[0]]
            edges.update((key(package), key(p)) for p in found)
    own = {p["name"] for p in packages if "source" not in p}
    return Listed(foreign, inner(foreign, edges), own)


def uv(text, _place):
    packages = tomllib.loads(text)["package"]
    is_own = lambda p: any(kind in p["source"] for kind in ("editable", "virtual", "directory"))
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
            edges.update((key(package), key(p)) for p in found)
    return Listed(foreign, inner(foreign, edges), {p["name"] for p in packages if is_own(p)})


def pyproject_name(document):
    poetry = document.get("tool", {}).get("poetry", {})
    return document.get("project", {}).get("name") or poetry.get("name")


def poetry(text, place):
    packages = [p for p in tomllib.loads(text)["package"]
                if p.get("source", {}).get("type") != "directory"]
    key = lambda p: (python_name(p["name"]), p["version"])
    needs = [(key(p), map(python_name, p.get("dependencies", {}))) for p in packages]
    packages, edges, open_ones = by_name("pypi", [key(p) for p in packages], needs)
    return Listed(packages, edges, manifests(place, "pyproject.toml", pyproject_name), open_ones)


def pdm(text, place):
    packages = [p for p in tomllib.loads(text)["package"] if "path" not in p]
    key = lambda p: (python_name(p["name"]), p["version"])
    name_of = lambda need: python_name(re.match(r"[\w.-]+", need)[0])
    needs = [(key(p), map(name_of, p.get("dependencies", []))) for p in packages]
    packages, edges, open_ones = by_name("pypi", [key(p) for p in packages], needs)
    return Listed(packages, edges, manifests(place, "pyproject.toml", pyproject_name), open_ones)


def pipfile(text, _place):
    sections = [section for key, section in json.loads(text).items() if key != "_meta"]
    packages = {
        purl("pypi", name, entry.get("version", "").lstrip("="))
        for section in sections for name, entry in section.items()
    }
    return Listed(packages, set(), has_edges=False)


def pylock(text, place):
    packages = [p for p in tomllib.loads(text)["packages"] if "directory" not in p]
    key = lambda p: (python_name(p["name"]), p.get("version"))
    needs = [(key(p), [python_name(d["name"]) for d in p.get("dependencies", [])]) for p in packages]
    has_edges = any(names for _, names in needs)
    packages, edges, open_ones = by_name("pypi", [key(p) for p in packages], needs)
    own = manifests(place, "pyproject.toml", pyproject_name)
    return Listed(packages, edges, own, open_ones, has_edges)


def python_name(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def npm(text, place):
    document = json.loads(text)
    packages = document.get("packages")
    sections = ("dependencies", "optionalDependencies", "peerDependencies")
    if packages is None:
        packages, sections = {}, ("requires",)
        flatten("", document["dependencies"], packages)
    name_of = lambda at, p: p.get("name") or at.rsplit("node_modules/", 1)[1]
    installed = {
        at: purl("npm", name_of(at, p), p.get("version"))
        for at, p in packages.items()
        if "node_modules/" in at and not p.get("link")
    }
    edges = set()
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
    own = {p.get("name") or at.rpartition("node_modules/")[2] or document.get("name")
           for at, p in packages.items() if "node_modules/" not in at or p.get("link")}
    packages = set(installed.values())
    return Listed(packages, inner(packages, edges), own | manifests(place, "package.json"))


def flatten(above, dependencies, packages):
    """Version 1 as later versions write it."""
    for name, entry in dependencies.items():
        at = f"{above}node_modules/{name}"
        packages[at] = {key: value for key, value in entry.items() if key != "dependencies"}
        flatten(f"{at}/", entry.get("dependencies", {}), packages)


def pnpm(text, place):
    """Of each document: one may be about pnpm itself."""
    import yaml

    bare = lambda key: key.split("(")[0]

    def key(identifier):
        name, _, version = bare(identifier).rpartition("@")
        return purl("npm", name, version)

    is_own = lambda one: "@file:" in one or "@link:" in one
    foreign, edges, own = set(), set(), manifests(place, "package.json")
    for document in yaml.load_all(text, yaml.CBaseLoader):
        snapshots = document.get("snapshots", {})
        foreign |= {key(one) for one in document.get("packages", {}) if not is_own(one)}
        own |= {one[: one.index("@", 1)] for one in document.get("packages", {}) if is_own(one)}
        # A package without a manifest at hand is called as its directory.
        own |= {os.path.basename(directory) for directory in document.get("importers", {})}
        for importer in document.get("importers", {}).values():
            for section in ("dependencies", "devDependencies", "optionalDependencies"):
                own |= {name for name, entry in importer.get(section, {}).items()
                        if entry["version"].startswith(("link:", "file:"))}
        for one, snapshot in snapshots.items():
            needs = {**snapshot.get("dependencies", {}), **snapshot.get("optionalDependencies", {})}
            for name, wanted in needs.items():
                full = f"{name}@{wanted}"
                to = full if full in snapshots else wanted
                edges.add((key(one), key(to)))
    return Listed(foreign, inner(foreign, edges), own)


def yarn(text, place):
    return berry(text, place) if "\n__metadata:" in text else classic(text, place)


def berry(text, place):
    import yaml

    document = yaml.load(text, yaml.CBaseLoader)
    document.pop("__metadata")
    by_descriptor, foreign, own = {}, set(), set()
    for descriptors, entry in document.items():
        name, _, _ = entry["resolution"].rpartition("@npm:")
        is_own = re.search("@(workspace|link|portal|file):", entry["resolution"])
        if not name:
            name = re.split("@(?:patch|workspace|link|portal|file|https?):", entry["resolution"])[0]
        if "@patch:" in entry["resolution"]:
            name = entry["resolution"].split("@patch:")[0]
        ours = None if is_own else purl("npm", name, entry["version"])
        (own if is_own else foreign).add(name if is_own else ours)
        for descriptor in descriptors.split(", "):
            # Whose directory a patch is taken from stands behind its descriptor alone.
            by_descriptor[descriptor.partition("::")[0]] = ours
    instead = resolutions(place)
    edges = set()
    for descriptors, entry in document.items():
        first = descriptors.split(", ")[0]
        ours = by_descriptor[first.partition("::")[0]]
        for name, wanted in entry.get("dependencies", {}).items():
            ranges = [*instead(first, name, wanted), wanted]
            found = [by_descriptor.get(f"{name}@{p}{r}") for r in ranges for p in ("", "npm:")]
            edges.add((ours, next(filter(None, found), None)))
    return Listed(foreign, inner(foreign, edges), own)


def resolutions(place):
    """The ranges that a project takes instead of those that are wanted."""
    path = os.path.join(place, "package.json")
    told = json.load(open(path)).get("resolutions", {}) if os.path.exists(path) else {}
    split = lambda text: text[: text.index("@", 1)] if "@" in text[1:] else text

    def instead(by, name, wanted):
        bare = wanted.removeprefix("npm:")
        for pattern, taken in told.items():
            for own in (name, f"{name}@{bare}", f"{name}@npm:{bare}"):
                above = pattern.removesuffix(own) if pattern.endswith(own) else None
                if above in ("", "**/") or (above and above.endswith("/")
                                            and split(above[:-1]) == split(by)):
                    yield taken

    return instead


def classic(text, place):
    """yarn 1: keys at the margin, facts two spaces in, needs four."""
    by_key, entries, section = {}, [], None
    unquote = lambda word: word.strip().strip('"')
    for line in text.splitlines():
        depth = len(line) - len(line.lstrip())
        if not line.strip() or line.startswith("#"):
            continue
        if depth == 0:
            keys = [unquote(key) for key in line.rstrip(":").split(", ")]
            entries.append({"keys": keys, "needs": []})
            by_key.update((key, entries[-1]) for key in keys)
        elif depth == 2:
            section = line.strip().rstrip(":")
            if section.startswith("version "):
                entries[-1]["version"] = unquote(section.removeprefix("version "))
        elif section in ("dependencies", "optionalDependencies"):
            name, _, wanted = line.strip().partition('" ' if line.strip()[0] == '"' else " ")
            entries[-1]["needs"].append((unquote(name), unquote(wanted)))

    def key(entry):
        name, _, wanted = entry["keys"][0][1:].partition("@")
        name = entry["keys"][0][0] + name
        if wanted.startswith("npm:") and "@" in wanted[5:]:
            name = wanted[4 : wanted.index("@", 5)]
        return purl("npm", name, entry["version"])

    is_own = lambda entry: re.search("@(file|link):", entry["keys"][0])
    foreign = {key(entry) for entry in entries if not is_own(entry)}
    edges = {
        (key(entry), key(by_key[f"{name}@{wanted}"]))
        for entry in entries for name, wanted in entry["needs"] if f"{name}@{wanted}" in by_key
    }
    return Listed(foreign, inner(foreign, edges), manifests(place, "package.json"))


def bun(text, place):
    """A package a line: `"where": ["name@version", "registry", {…}, "digest"],`."""
    installed = {}
    for line in text.splitlines():
        if re.match(r'    "[^"]+": \[', line):
            installed.update(json.loads("{" + line.strip().rstrip(",") + "}"))
    sections = ("dependencies", "optionalDependencies", "peerDependencies")

    def key(entry):
        name, _, version = entry[0][1:].partition("@")
        own = version.startswith(("workspace:", "link:", "file:", "root:"))
        return None if own else purl("npm", entry[0][0] + name, version)

    edges = set()
    for place_of, entry in installed.items():
        needs = next((part for part in entry if isinstance(part, dict)), {})
        for name in {name for section in sections for name in needs.get(section, {})}:
            above = re.findall(r"@[^/]+/[^/]+|[^/]+", place_of)
            while (found := installed.get("/".join([*above, name]))) is None and above:
                above.pop()
            if found:
                edges.add((key(entry), key(found)))
    foreign = {key(entry) for entry in installed.values()} - {None}
    return Listed(foreign, inner(foreign, edges), manifests(place, "package.json"))


def deno(text, _place):
    """Packages of npm by `name@version_peers`, and of JSR, which are written as npm has them."""
    document = json.loads(text)
    inner_of = document.get("packages", document)
    npm = inner_of.get("npm", {})
    npm, jsr = npm.get("packages", npm), inner_of.get("jsr", {})
    specifiers = inner_of.get("specifiers", {})
    split = lambda key: (key[0] + key[1:].partition("@")[0], key[1:].partition("@")[2])

    def key(registry, full):
        name, version = split(full)
        if registry == "jsr":
            name = "@jsr/" + name[1:].replace("/", "__")
        return purl("npm", name, version.partition("_")[0])

    edges = set()
    for registry, among in (("npm", npm), ("jsr", jsr)):
        for full, entry in among.items():
            needs = entry.get("dependencies", [])
            for need in needs.values() if isinstance(needs, dict) else needs:
                kind, _, need = need.rpartition(":") if ":" in need else (registry, "", need)
                of = jsr if kind == "jsr" else npm
                told = [v for s, v in specifiers.items() if f"{s}@".startswith(f"{kind}:{need}@")]
                said = [f"{split(need)[0]}@{v.rpartition('@')[2]}" for v in told]
                found = [one for one in (need, *said) if one in of]
                found += [one for one in of if split(one)[0] == need]
                edges.update((key(registry, full), key(kind, one)) for one in found[:1])
    foreign = {key("npm", full) for full in npm} | {key("jsr", full) for full in jsr}
    return Listed(foreign, inner(foreign, edges))


def go_mod(text, _place):
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
    local = {one["Old"]["Path"] for one in module.get("Replace") or [] if "Version" not in one["New"]}
    return Listed(foreign, set(), {module["Module"]["Path"]} | local, has_edges=False)


def gem(text, _place):
    """Gems stand four spaces in, what they need six; a platform follows the version."""
    packages, needs, own, section = [], [], set(), ""
    for line in text.splitlines():
        if line and not line.startswith(" "):
            section = line
        found = re.match(r"(    |      )([\w.-]+)(?: \(([^)]*)\))?!?$", line)
        if not found or section not in ("GEM", "GIT", "PATH", "PLUGIN SOURCE"):
            continue
        indent, name, version = found.groups()
        if len(indent) == 4:
            if section == "PATH":
                own.add(name)
                packages.append((name, None))
            else:
                packages.append((name, version.split("-")[0]))
            needs.append((packages[-1], []))
        else:
            needs[-1][1].append(name)
    foreign = sorted({package for package in packages if package[0] not in own})
    needs = [(package, names) for package, names in needs if package[0] not in own]
    return Listed(*by_name("gem", foreign, needs)[:2], own)


def composer(text, place):
    document = json.loads(text)
    packages = [p for key in ("packages", "packages-dev") for p in document[key]]
    key = lambda p: purl("composer", p["name"].lower(), p["version"])
    named = {p["name"].lower(): p for p in packages}
    edges = set()
    for package in packages:
        # What has no vendor is PHP itself and its extensions.
        for name in (n.lower() for n in package.get("require", {}) if "/" in n):
            given = [p for p in packages for part in ("provide", "replace")
                     if name in map(str.lower, p.get(part, {}))]
            found = [named[name]] if name in named else given
            edges.update((key(package), key(p)) for p in found)
    foreign = {key(p) for p in packages}
    return Listed(foreign, inner(foreign, edges), manifests(place, "composer.json"))


def mix(text, _place):
    packages, needs, apps = [], [], {}
    for line in text.splitlines():
        found = re.match(r'  "(\w+)": \{:(hex|git), (?::"?(\w+)"?, )?"([^"]+)"', line)
        if found:
            app, source, name, version = found.groups()
            apps[app] = (name or app, version if source == "hex" else None)
            packages.append(apps[app])
            needs.append((apps[app], re.findall(r"\{:(\w+), ", line[found.end():])))
    needs = [(p, [apps[app][0] for app in names if app in apps]) for p, names in needs]
    return Listed(*by_name("hex", packages, needs)[:2])


def pubspec(text, place):
    import yaml

    packages = yaml.load(text, yaml.CBaseLoader)["packages"]
    foreign = {purl("pub", name, entry["version"]) for name, entry in packages.items()
               if entry["source"] not in ("sdk", "path")}
    own = {name for name, entry in packages.items() if entry["source"] in ("sdk", "path")}
    for path in glob.glob(os.path.join(place, "**", "pubspec.yaml"), recursive=True):
        own.add(yaml.load(open(path), yaml.CBaseLoader)["name"])
    return Listed(foreign, set(), own, has_edges=False)


def nuget(text, place):
    foreign, edges = set(), set()
    own = {os.path.basename(path).rpartition(".")[0] for path in glob.glob(f"{place}/*.csproj")}
    for section in json.loads(text)["dependencies"].values():
        key = lambda name: purl("nuget", name, section[name]["resolved"])
        listed = {name.lower(): name for name in section if section[name]["type"] != "Project"}
        own |= set(section) - set(listed.values())
        for name in listed.values():
            foreign.add(key(name))
            for need in map(str.lower, section[name].get("dependencies", {})):
                if need in listed:
                    edges.add((key(name), key(listed[need])))
    return Listed(foreign, inner(foreign, edges), own)


def swift(text, place):
    document = json.loads(text)
    pins = document.get("pins") or document["object"]["pins"]
    where = lambda pin: (pin.get("location") or pin["repositoryURL"]).partition("://")[2]
    foreign = {
        purl("swift", where(pin).removesuffix(".git").lower(), pin["state"].get("version"))
        for pin in pins
    }
    path = os.path.join(place, "Package.swift")
    named = re.search(r'Package\(\s*name: "([^"]+)"', open(path).read()) if os.path.exists(path) else None
    return Listed(foreign, set(), {named[1]} if named else set(), has_edges=False)


def gradle(text, _place):
    modules = [line.partition("=")[0].split(":") for line in text.splitlines()
               if not line.startswith(("#", "empty="))]
    foreign = {purl("maven", f"{group}/{name}", version) for group, name, version in modules}
    return Listed(foreign, set(), has_edges=False)


TRUTHS = {
    "Cargo.lock": cargo,
    "Gemfile.lock": gem,
    "Package.resolved": swift,
    "Pipfile.lock": pipfile,
    "bun.lock": bun,
    "composer.lock": composer,
    "deno.lock": deno,
    "go.mod": go_mod,
    "gradle.lockfile": gradle,
    "mix.lock": mix,
    "npm-shrinkwrap.json": npm,
    "package-lock.json": npm,
    "packages.lock.json": nuget,
    "pdm.lock": pdm,
    "pnpm-lock.yaml": pnpm,
    "poetry.lock": poetry,
    "pubspec.lock": pubspec,
    "pylock.toml": pylock,
    "uv.lock": uv,
    "yarn.lock": yarn,
}
