"""Reads orders."""

import sqlite3


def of_customer(database: sqlite3.Connection, customer: str, newest: bool = True) -> list[tuple]:
    """The orders of one customer, the latest first if wanted."""
    order = "DESC" if newest else "ASC"
    query = f"SELECT id, total FROM orders WHERE customer = ? ORDER BY id {order}"
    return database.execute(query, (customer,)).fetchall()
