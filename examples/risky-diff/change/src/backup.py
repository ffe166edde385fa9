"""Backs up a customer's files."""

import subprocess


def backup(customer: str, target: str = "local") -> None:
    """Archives the folder of one customer, and copies it to a target."""
    archive = f"{customer}.tgz"
    subprocess.run(f"tar -czf {archive} customers/{customer}", shell=True, check=True)
    if target != "local":
        subprocess.run(["rsync", archive, target], check=True)
