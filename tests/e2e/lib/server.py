"""The real daemon on loopback, in a folder of its own, on free ports."""
import json
import os
import pathlib
import select
import signal
import subprocess
import time

import requests

ROOT = pathlib.Path(__file__).resolve().parents[3]
BUILD = pathlib.Path(os.environ.get("BUILD", "build"))
SRS = (BUILD if BUILD.is_absolute() else ROOT / BUILD) / "bin" / "srs"

ALICE = "sip:alice@voip.example"
BOB = "sip:bob@voip.example"
CAROL = "sip:carol@voip.example"

DETAILS = {
    "type": "call_recording",
    "actions": ["record"],
    "owner": {"aor": [ALICE], "must_participate": True},
    "conditions": {
        "participants": {"min": 2, "match": "any"},
        "media": [{"kind": "audio", "codecs": ["PCMU/8000", "PCMA/8000", "opus/48000/2"]}],
    },
}


def wait_for(check, timeout=20.0, what="condition"):
    """Poll until check() is true; its value is returned."""
    end = time.monotonic() + timeout
    while True:
        value = check()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {timeout} s: {what}")
        time.sleep(0.05)


def free_port(kind="tcp"):
    import socket
    s = socket.socket(socket.AF_INET, socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM)
    s.bind(("127.0.0.1", 0))
    port = s.getsockname()[1]
    s.close()
    return port


class Server:
    """One `srs run`. Settings are {"section": {"key": value}}."""

    def __init__(self, folder, settings=None, env=None):
        self.dir = pathlib.Path(folder)
        self.dir.mkdir(parents=True, exist_ok=True)
        self.data = self.dir / "data"
        self.conf = self.dir / "srs.conf"
        self.log_path = self.dir / "server.log"
        self.env = {**os.environ, **(env or {})}
        self.settings = {
            "server": {"data_dir": str(self.data)},
            "sip": {"listen": "udp:127.0.0.1:0, tcp:127.0.0.1:0"},
            "http": {"listen": "127.0.0.1:0"},
            "media": {"address": "127.0.0.1", "ports": "20000-29999"},
        }
        for section, keys in (settings or {}).items():
            self.settings.setdefault(section, {}).update(keys)
        self.write_conf()
        self.proc = None
        self.ready = None

    def write_conf(self):
        text = ""
        for section, keys in self.settings.items():
            text += f"[{section}]\n" + "".join(f"{k} = {v}\n" for k, v in keys.items())
        self.conf.write_text(text)

    # -- life

    def start(self, timeout=30):
        log = open(self.log_path, "ab")
        self.proc = subprocess.Popen([str(SRS), "-c", str(self.conf), "run"],
                                     stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                     stderr=log, env=self.env)
        log.close()
        line = self._line(timeout)
        self.ready = json.loads(line)
        self.url = self.ready["url"]
        self.sip = {}
        for addr in self.ready["sip"]:
            kind, rest = addr.split(":", 1)
            host, port = rest.rsplit(":", 1)
            self.sip.setdefault(kind, (host.strip("[]"), int(port)))
        return self

    def _line(self, timeout):
        end = time.monotonic() + timeout
        data = b""
        while not data.endswith(b"\n"):
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.proc.stdout], [], [], left)[0]:
                raise AssertionError("no ready line; log:\n" + self.log())
            chunk = os.read(self.proc.stdout.fileno(), 1)
            if not chunk:
                raise AssertionError(f"the server ended ({self.proc.wait()}); log:\n" + self.log())
            data += chunk
        return data.decode()

    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def stop(self, timeout=45):
        """An orderly end; the exit code."""
        if not self.proc:
            return None
        if self.proc.poll() is None:
            self.proc.send_signal(signal.SIGTERM)
            try:
                self.proc.wait(timeout)
            except subprocess.TimeoutExpired:
                self.kill_all()
                raise AssertionError("the server did not end; log:\n" + self.log())
        code = self.proc.returncode
        self.proc.stdout.close()
        self.proc = None
        return code

    def roles(self):
        """{role: pid} of the role processes (render has the first worker)."""
        found = {}
        pid = self.proc.pid
        children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        for child in children:
            try:
                name = pathlib.Path(f"/proc/{child}/comm").read_text().strip()
            except OSError:
                continue
            found.setdefault(name.removeprefix("srs-").removeprefix("srs:"), int(child))
        return found

    def tree(self):
        """Every process of this server, the supervisor first."""
        todo, seen = [self.proc.pid], []
        while todo:
            pid = todo.pop(0)
            seen.append(pid)
            try:
                todo += [int(p) for p in
                         pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
            except OSError:
                pass
        return seen

    def kill_role(self, role):
        """kill -9 one role and wait until its successor is there."""
        old = self.roles()[role]
        os.kill(old, signal.SIGKILL)
        return wait_for(lambda: self.roles().get(role, old) != old, what=f"{role} restarted")

    def kill_all(self):
        """kill -9 of every process at once."""
        for pid in self.tree():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.proc.wait()
        self.proc.stdout.close()
        self.proc = None

    # -- doors

    def cli(self, *args, stdin=None, code=0):
        """`srs -c CONF --json ARGS`; its JSON (or text)."""
        done = subprocess.run([str(SRS), "-c", str(self.conf), "--json", *map(str, args)],
                              input=stdin, capture_output=True, text=True, env=self.env,
                              timeout=120)
        assert code is None or done.returncode == code, f"{args}: exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        try:
            return json.loads(done.stdout)
        except ValueError:
            return done.stdout

    def get(self, path, token=None, code=200, **kw):
        headers = kw.pop("headers", {})
        if token:
            headers["Authorization"] = f"Bearer {token}"
        r = requests.get(self.url + path, headers=headers, timeout=20, **kw)
        assert code is None or r.status_code == code, f"GET {path}: {r.status_code} {r.text[:500]}"
        return r


class World:
    """A tenant with an owner (Alice), a provider and a grant."""

    def __init__(self, server, tenant="acme", details=None, password="correct horse battery"):
        self.server = server
        self.tenant = tenant
        self.email = f"alice@{tenant}.example"
        self.password = password
        self.user_id = server.cli("user", "add", "--tenant", tenant, "--email", self.email,
                                  "--role", "owner", "--aor", ALICE, "--password-stdin",
                                  stdin=password + "\n")["user_id"]
        client = server.cli("client", "add", "--tenant", tenant, "--name", "Example VoIP",
                            "--redirect-uri", "http://127.0.0.1:9/cb")
        self.client_id, self.client_secret = client["client_id"], client["client_secret"]
        self.details_path = server.dir / f"details-{tenant}.json"
        self.details_path.write_text(json.dumps(details or DETAILS))
        grant = server.cli("grant", "add", "--client", self.client_id, "--owner", self.email,
                           "--details", self.details_path)
        self.grant_id = grant["grant_id"]
        self.access_token = grant["access_token"]
        self.refresh_token = grant["refresh_token"]
        self.api_token = server.cli("token", "add", "--user", self.email)["token"]

    def recordings(self, **params):
        return self.server.get("/api/v1/recordings", self.api_token, params=params).json()["items"]

    def wait_recording(self, state="ready", count=1, timeout=40):
        """The newest recording once `count` of them are in the state."""
        def check():
            items = [i for i in self.recordings() if i["state"] == state]
            return items[0] if len(items) >= count else None
        return wait_for(check, timeout, f"{count} recording(s) {state}: {self.recordings()}")

    def recording(self, rid):
        return self.server.get(f"/api/v1/recordings/{rid}", self.api_token).json()

    def audio(self, rid, path):
        r = self.server.get(f"/api/v1/recordings/{rid}/audio?format=ogg", self.api_token)
        pathlib.Path(path).write_bytes(r.content)
        return path
