"""The catalog locked or its disk full, files that go while they are asked for."""
import glob
import os
import signal
import sqlite3
import subprocess
import threading

import pytest
import requests

from lib.server import World, wait_for
from test_duplicates import Twice, compared


def health(server, timeout=20):
    return requests.get(server.url + "/healthz", timeout=timeout).status_code


def test_health_tells_of_a_locked_catalog(server):
    assert health(server) == 200
    db = sqlite3.connect(server.data / "catalog.db", isolation_level=None)
    db.execute("BEGIN IMMEDIATE")
    assert health(server) == 503
    db.execute("ROLLBACK")
    db.close()
    assert health(server) == 200


@pytest.mark.skipif(os.geteuid() != 0, reason="needs a disk of its own")
def test_health_tells_of_a_full_disk(start, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", disk],
                      capture_output=True).returncode:
        pytest.skip("no mount here")
    try:
        server = start({"server": {"data_dir": str(disk / "data"), "disk_low": "1M"}})
        assert health(server) == 200
        filler = disk / "filler"
        with open(filler, "wb", buffering=0) as f:
            with pytest.raises(OSError):
                while True:
                    f.write(b"\0" * 65536)
        assert health(server) == 503
        filler.unlink()
        assert wait_for(lambda: health(server) == 200, what="room again")
        server.stop()
    finally:
        subprocess.run(["umount", "-l", disk], check=True)


def test_a_recording_that_goes_is_404_not_500(server):
    """Read by many while it is deleted and purged."""
    world = World(server)
    for n in range(2):
        Twice(server, [world, world], session=f"cs-{n}").end(0.5)
    compared(server, 4)
    ids = [i["id"] for i in world.recordings()]
    auth = {"Authorization": f"Bearer {world.api_token}"}
    stop, seen = threading.Event(), set()

    def read(rid):
        with requests.Session() as s:
            while not stop.is_set():
                r = s.get(f"{server.url}/api/v1/recordings/{rid}/audio", headers=auth, timeout=20)
                seen.add(r.status_code)

    threads = [threading.Thread(target=read, args=(rid,)) for rid in ids for _ in range(3)]
    for t in threads:
        t.start()
    for rid in ids:
        requests.delete(f"{server.url}/api/v1/recordings/{rid}", headers=auth, timeout=20)
    # not pathlib's: it stumbles over folders that go while it looks
    wait_for(lambda: not glob.glob(f"{server.data}/media/*/*/*"), 30, "purged")
    stop.set()
    for t in threads:
        t.join()
    assert seen <= {200, 404, 429}, seen
    assert "http.file_missing" not in server.log()


def test_the_disk_is_told_as_it_is(start):
    server = start({"server": {"disk_low": "900000G"}})

    def line(word):
        return wait_for(lambda: next((x for x in server.log().splitlines() if f" {word} " in x), None),
                        what=word)

    st = os.statvfs(server.data)
    low = line("sip.disk_low")
    told = int(low.split("free_bytes=")[1].split()[0])
    assert " warn " in low and abs(told - st.f_bavail * st.f_frsize) < 1 << 30
    server.settings["server"]["disk_low"] = "1M"
    server.write_conf()
    server.proc.send_signal(signal.SIGHUP)
    assert " info " in line("sip.disk_fine")
