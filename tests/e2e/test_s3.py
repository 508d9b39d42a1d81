"""The whole way on a real S3 server that sends real notifications: upload by Debian's aws, results read back
by it."""
import hashlib
import json
import os
import subprocess

import pytest
from procs import BIN, REPO, http, wait_until
from procs import free_port
from radosgw import RadosGateway

KEYS = ["invoice.pdf", "in/a b+c%20d.pdf", "quote \"'.pdf", "smile \U0001f600.pdf", "k" * 1020 + ".pdf"]


@pytest.fixture(scope="module")
def gateway():
    with RadosGateway() as g:
        yield g


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    subprocess.run([REPO / "deploy/demo/make-files", folder], check=True)
    return folder


def aws(gateway, *words):
    env = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")} | gateway.env
    return subprocess.run(["/usr/bin/aws", "--endpoint-url", gateway.endpoint, *map(str, words)], env=env,
                          check=True, capture_output=True, timeout=120).stdout


def test_from_upload_to_results_in_the_bucket(gateway, processes, db, files, tmp_path):
    token, port, serve_port = "s3-token-0123456789", free_port(), free_port()
    (tmp_path / "secret").write_text(token)
    uploads, results = gateway.make_bucket("uploads"), gateway.make_bucket("results")
    config = "\n".join([
        f"pipeline = {REPO}/deploy/demo/pipeline.json", f"handlers = {REPO}/deploy/handlers",
        "kinds = extract-text,preview,validate-pdf,thumbnail,exif,validate-csv", f"results = s3/{results}", "",
        "[source ceph]", "auth = query", f"secret_file = {tmp_path}/secret", "store = s3", "",
        "[store s3]", "url = s3://", f"endpoint = {gateway.endpoint}", ""])

    def start(role, component, *args):
        return processes(role, *args, config=config,
                         env=gateway.env | {"MILLRACE_DATABASE_URL": db.url(component)})

    start("receive", "receiver", "--listen", f"127.0.0.1:{port}")
    start("route", "router")
    start("work", "worker")
    start("keep", "keeper")
    start("serve", "reader", "--listen", f"127.0.0.1:{serve_port}")
    gateway.notify(uploads, f"http://127.0.0.1:{port}/v1/events/ceph?token={token}")

    for key in KEYS:
        aws(gateway, "s3", "cp", "--only-show-errors", files / "invoice.pdf", f"s3://{uploads}/{key}")
    for name in ("photo.jpg", "report.pdf", "notes.tmp"):
        aws(gateway, "s3", "cp", "--only-show-errors", files / name, f"s3://{uploads}/{name}")

    def states():
        return dict(db.query("select key, state::text from millrace.upload"))

    expected = {k: "ready" for k in KEYS if "invoice" in k} | {k: "ready" for k in KEYS} | {
        "photo.jpg": "ready", "report.pdf": "rejected", "notes.tmp": "ignored"}
    wait_until(lambda: states() == expected, 90, "all are final", also=lambda: str(states()))

    trace = db.one("select trace_id from millrace.uploads where key = 'invoice.pdf'")
    status, body, _ = http("GET", f"http://127.0.0.1:{serve_port}/api/v1/traces/{trace}")
    assert status == 200
    seen = 0
    for job in json.loads(body)["jobs"]:
        for output in job["outputs"]:
            assert output["uri"].startswith(f"s3://{results}/{trace}/{job['step']}/")
            data = aws(gateway, "s3", "cp", "--only-show-errors", output["uri"], "-")
            assert len(data) == output["size"]
            assert hashlib.sha256(data).hexdigest() == output["sha256"]
            seen += 1
            if job["step"] == "text":
                assert b"2026-0417" in data
    assert seen >= 2


def test_upload_makes_the_trace_first(gateway, processes, db, files, tmp_path):
    """`millrace upload` names the trace before the object is there; the notification joins it."""
    token, port = "s3-token-0123456789", free_port()
    (tmp_path / "secret").write_text(token)
    bucket = gateway.make_bucket("named")
    config = "\n".join(["[source ceph]", "auth = query", f"secret_file = {tmp_path}/secret", "store = s3", "",
                        "[store s3]", "url = s3://", f"endpoint = {gateway.endpoint}", ""])
    env = gateway.env | {"MILLRACE_DATABASE_URL": db.url("receiver")}
    receive = processes("receive", "--listen", f"127.0.0.1:{port}", config=config, env=env)
    gateway.notify(bucket, f"http://127.0.0.1:{port}/v1/events/ceph?token={token}", topic="named")
    got = subprocess.run([BIN, "upload", "--config", str(tmp_path / "receive.conf"), files / "customers.csv",
                          f"{bucket}/customers.csv"], env=receive.env, capture_output=True, text=True,
                         timeout=60)
    assert got.returncode == 0, got.stderr
    trace = got.stdout.split()[0]
    assert trace.startswith("trace_")
    wait_until(lambda: db.query("select trace_id, state::text from millrace.uploads") == [(trace, "accepted")],
               20, "the notification joined it", also=lambda: str(db.query("select * from millrace.uploads")))
