"""A look into a server's catalog from the side, read-only."""
import sqlite3

from lib.server import wait_for


class Catalog:
    def __init__(self, server):
        self.path = server.data / "catalog.db"

    def rows(self, sql, *args):
        db = sqlite3.connect(f"file:{self.path}?mode=ro", uri=True, timeout=10)
        db.row_factory = sqlite3.Row
        try:
            return [dict(r) for r in db.execute(sql, args)]
        finally:
            db.close()

    def recordings(self):
        return self.rows("SELECT * FROM recordings ORDER BY id")

    def wait_ended(self, count=1, timeout=20):
        """The newest recording once `count` of them are no longer live."""
        def check():
            done = [r for r in self.recordings() if r["state"] != "recording"]
            return done[-1] if len(done) >= count else None
        return wait_for(check, timeout, f"{count} call(s) ended: {self.recordings()}")

    def warnings(self):
        return {r["code"] for r in self.rows("SELECT code FROM warnings")}

    def events(self):
        return [(r["kind"], r["stream"]) for r in self.rows("SELECT * FROM events ORDER BY id")]

    def wait_warning(self, code, timeout=10):
        return wait_for(lambda: code in self.warnings(), timeout, f"{code}: {self.warnings()}")

    def wait_event(self, kind, timeout=10):
        return wait_for(lambda: kind in [k for k, _ in self.events()], timeout,
                        f"event {kind}: {self.events()}")

    def audit(self, action):
        return self.rows("SELECT * FROM audit WHERE action = ? ORDER BY id", action)
