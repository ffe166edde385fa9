"""Reads orders."""

import sqlite3


def of_customer(database: sqlite3.Connection, customer: str) -> list[tuple]:
    """The orders of one customer, the latest first."""
    query = "SELECT id, total FROM orders WHERE customer = ? ORDER BY id DESC"
    return database.execute(query, (customer,)).fetchall()
