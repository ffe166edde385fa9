"""Backs up a customer's files."""

import re
import subprocess

NAME = re.compile(r"[a-z0-9-]{1,40}")


def backup(customer: str) -> None:
    """Archives the folder of one customer."""
    if not NAME.fullmatch(customer):
        raise ValueError(f"not a customer: {customer!r}")
    subprocess.run(["tar", "-czf", f"{customer}.tgz", f"customers/{customer}"], check=True)
