"""`millrace dev --s3` on a real S3 server: it says where notifications go, and the rest is as with a folder."""
import re
import subprocess

import pytest
from devrun import Dev, path_of
from procs import REPO, wait_until
from radosgw import RadosGateway


@pytest.fixture
def gateway():
    with RadosGateway() as g:
        yield g


@pytest.fixture
def dev(gateway):
    d = Dev("--s3", gateway.endpoint, "--s3-buckets", "incoming")
    yield d.start(env=gateway.env)
    d.cleanup()


def test_from_upload_to_results(gateway, dev, tmp_path):
    subprocess.run([REPO / "deploy/demo/make-files", tmp_path], check=True)
    bucket = gateway.make_bucket("incoming")
    url = re.search(r"http://\S+/v1/events/s3\?token=\S+", dev.output.read_text()).group()
    gateway.notify(bucket, url)

    def put(name):
        gateway.s3().upload_file(str(tmp_path / name), bucket, f"in/{name}")

    put("invoice.pdf")
    state, got = dev.final("in/invoice.pdf")
    assert state == "ready"
    assert (got["upload"]["store"], got["upload"]["bucket"]) == ("s3", "incoming")
    (text,) = [o for j in got["jobs"] if j["step"] == "text" for o in j["outputs"]]
    assert "2026-0417" in path_of(text["uri"]).read_text()
    put("notes.tmp")
    assert dev.final("in/notes.tmp")[0] == "ignored"

    assert dev.stop() == 0
    dev.start(env=gateway.env)
    put("report.pdf")
    # The port may be another after a restart: the notification goes where it went.
    again = re.search(r"http://\S+/v1/events/s3\?token=\S+", dev.output.read_text()).group()
    if again != url:
        gateway.notify(bucket, again)
        put("report.pdf")
    assert dev.final("in/report.pdf")[0] == "rejected"
    wait_until(lambda: all(q["queued"] + q["running"] == 0 for q in dev.api("/api/v1/queues")["queues"]), 30,
               "nothing is left", also=dev.tail)
