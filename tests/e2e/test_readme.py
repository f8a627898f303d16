"""What README and docs/operating.md say to type, typed."""
import re
import subprocess

import pytest
import requests

from lib.server import BUILD, ROOT, SRS, wait_for


def blocks():
    """The indented blocks below "Run it", without their indentation."""
    text = (ROOT / "README.md").read_text()
    part = text[text.index("## Run it"):text.index("## More")]
    return [re.sub(r"^    ", "", b, flags=re.M)
            for b in re.findall(r"(?:^    .*\n)+", part, re.M)]


def commands(block):
    """Its commands; a here-document is one."""
    return [m.group(0) for m in re.finditer(r"[^\n]*<<END\n(?:.*\n)*?END\n|[^\n]+\n", block)]


def test_the_first_steps(start):
    server_block, block = blocks()
    assert "srs -c srs.conf run" in server_block
    server = start()
    said = {}

    def run(command):
        for name, value in said.items():
            command = command.replace(name, value)
        command = command.replace("srs call ", "srs call --duration 1 ")
        command = command.replace("127.0.0.1:5060", "%s:%d" % server.sip["udp"])
        done = subprocess.run(["bash", "-c", f"PATH={SRS.parent}:$PATH\n" + command],
                              cwd=server.dir, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, command + done.stdout + done.stderr
        for name, value in re.findall(r"^(\w+) +(\S+)$", done.stdout, re.M):
            said[name.upper()] = value
        return done.stdout

    def setup_status():
        return requests.get(server.ready["setup_url"], timeout=10).status_code

    todo = commands(block)
    admin = [c for c in todo if "--role admin" in c]
    assert len(admin) == 1
    for command in todo:
        if command not in admin:
            shown = run(command)
    assert "sip:alice@voip.example" in shown
    wait_for(lambda: "ready" in run(todo[-1]), what="the recording")
    assert setup_status() == 200  # an owner is there, an administrator is not
    assert "admin" in run(admin[0])
    assert setup_status() == 404


@pytest.mark.parametrize("prefix", ["/usr/local", "/usr", "/opt/srs"])
def test_the_installed_unit_starts_the_installed_program(tmp_path, prefix):
    def make(target):
        subprocess.run(["make", "-s", "-o", "all", target, f"BUILD={BUILD}",
                        f"DESTDIR={tmp_path}", f"PREFIX={prefix}"],
                       cwd=ROOT, check=True, capture_output=True)

    make("install")
    root = tmp_path / prefix[1:]
    unit = (root / "lib/systemd/system/srs.service").read_text()
    program = re.search(r"^ExecStart=(\S+) -c /etc/srs.conf run$", unit, re.M).group(1)
    assert program == f"{prefix}/bin/srs" and str(tmp_path) not in unit and "@" not in unit
    done = subprocess.run([tmp_path / program[1:], "version"], capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout.startswith("srs ")
    make("uninstall")
    assert not [p for p in tmp_path.rglob("*") if p.is_file()]
