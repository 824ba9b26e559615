"""What follows when structures of a catalogue came or went: repeated ones are marked, the content is hashed."""

from __future__ import annotations

import sqlite3
from hashlib import sha256

from whorl.catalogues import store
from whorl.catalogues.aliases import find_aliases


def unsettle(connection: sqlite3.Connection) -> None:
    """Note that structures come or go; `settle` has to follow."""
    store.set_meta(connection, "settled", "no")


def is_settled(connection: sqlite3.Connection) -> bool:
    """Tell whether `settle` followed the last change."""
    return store.get_meta(connection, "settled") == "yes"


def settle(connection: sqlite3.Connection) -> None:
    """Mark the crystals that repeat an earlier one, in the order of their keys, and hash names and contents of all files."""
    rows = connection.execute("SELECT key, likeness, measures FROM entry WHERE kind = 'crystal' ORDER BY key")
    aliases = find_aliases(rows)
    digest = sha256()
    for path, content in connection.execute("SELECT path, sha256 FROM file WHERE key IS NOT NULL ORDER BY path"):
        digest.update(f"{path}\0{content}\0".encode())
    with connection:
        connection.execute("UPDATE entry SET alias_of = '' WHERE alias_of != ''")
        connection.executemany("UPDATE entry SET alias_of = ? WHERE key = ?", [(b, a) for a, b in aliases.items()])
        store.set_meta(connection, "content_hash", digest.hexdigest())
        store.set_meta(connection, "settled", "yes")
