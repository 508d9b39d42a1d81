"""millrace upload: into a real S3 server and a directory, and its exit codes."""
import hashlib
import json
import os
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

import pytest

from procs import BIN
from radosgw import RadosGateway

EXIT_FAILED, EXIT_USAGE, EXIT_NOT_FOUND, EXIT_DENIED, EXIT_AWAY = 1, 2, 3, 4, 5


def upload(*args, env=None, program=BIN, **kw):
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "MILLRACE_"))}
    return subprocess.run([program, "upload", *map(str, args)], env={**clean, **(env or {})}, text=True,
                          capture_output=True, timeout=60, stdin=subprocess.DEVNULL, **kw)


@pytest.fixture(scope="module")
def gateway():
    with RadosGateway() as g:
        g.make_bucket("uploads")
        yield g


@pytest.fixture
def invoice(tmp_path):
    path = tmp_path / "invoice.pdf"
    path.write_bytes(b"%PDF-1.4 invoice")
    return path


@pytest.fixture
def config(tmp_path):
    (tmp_path / "root" / "uploads").mkdir(parents=True)
    path = tmp_path / "millrace.conf"
    path.write_text(f"[store local]\nurl = file://{tmp_path}/root\n")
    return path


def test_the_object_bears_the_trace_id(gateway, invoice):
    done = upload(invoice, "uploads/in/invoice 1.pdf", "--public-url", "http://status.example/", env=gateway.env)
    assert (done.returncode, done.stderr) == (0, "")
    trace, link = done.stdout.splitlines()
    assert trace.startswith("trace_") and len(trace) == 32
    assert link == f"http://status.example/t/{trace}"
    seen = gateway.s3().get_object(Bucket="uploads", Key="in/invoice 1.pdf")
    assert seen["Metadata"] == {"trace-id": trace}
    assert seen["ContentType"] == "application/pdf"
    assert seen["Body"].read() == invoice.read_bytes()


def test_json(gateway, invoice):
    reply = json.loads(upload(invoice, "uploads/k", "--json", env=gateway.env).stdout)
    assert reply == {"trace_id": reply["trace_id"], "store": "s3", "uri": "s3://uploads/k", "size": 16,
                     "sha256": hashlib.sha256(invoice.read_bytes()).hexdigest(), "link": None}
    reply = json.loads(upload(invoice, "uploads/k", "--json", "--public-url", "http://status.example",
                              env=gateway.env).stdout)
    assert reply["link"] == f"http://status.example/t/{reply['trace_id']}"


def test_into_a_directory(config, invoice, tmp_path):
    done = upload(invoice, "uploads/a/b.pdf", "--config", config)
    assert done.returncode == 0, done.stderr
    stored = tmp_path / "root/uploads/a/b.pdf"
    assert stored.read_bytes() == invoice.read_bytes()
    try:
        assert os.getxattr(stored, "user.millrace.trace-id").decode() == done.stdout.strip()
    except OSError:
        pytest.skip("this file system keeps no attributes")


@pytest.mark.parametrize("target, code, says", [
    ("no-such-bucket/k", EXIT_NOT_FOUND, "NoSuchBucket"),
    ("k", EXIT_USAGE, "BUCKET/KEY"),
    ("/k", EXIT_USAGE, "BUCKET/KEY"),
    ("uploads/", EXIT_USAGE, "BUCKET/KEY"),
])
def test_a_bad_target(gateway, invoice, target, code, says):
    done = upload(invoice, target, env=gateway.env)
    assert done.returncode == code, done.stderr
    assert says in done.stderr and done.stdout == ""


def test_a_bad_file(gateway, tmp_path):
    done = upload(tmp_path / "none", "uploads/k", env=gateway.env)
    assert done.returncode == EXIT_NOT_FOUND and str(tmp_path / "none") in done.stderr
    done = upload(tmp_path, "uploads/k", env=gateway.env)
    assert done.returncode == EXIT_FAILED and "not a regular file" in done.stderr


def test_a_file_that_may_not_be_read(config, tmp_path):
    """As somebody who is not root, whom nothing is denied; for that the program must be where anybody may go."""
    if os.getuid() != 0:
        closed = tmp_path / "closed"
        closed.touch(0o000)
        done = upload(closed, "uploads/k", "--config", config)
    else:
        with tempfile.TemporaryDirectory(prefix="mr-upload-", dir="/tmp") as name:
            folder = Path(name)
            folder.chmod(0o755)
            (folder / "uploads").mkdir()
            (folder / "open.conf").write_text(f"[store local]\nurl = file://{folder}\n")
            shutil.copy(BIN, folder / "millrace")
            (folder / "closed").touch(0o000)
            done = upload(folder / "closed", "uploads/k", "--config", folder / "open.conf", program=folder / "millrace",
                          user=65534, group=65534, extra_groups=[], cwd="/")
    assert done.returncode == EXIT_DENIED and "Permission denied" in done.stderr, done.stderr


@pytest.mark.parametrize("args", [[], ["file"], ["file", "b/k", "more"]], ids=len)
def test_a_file_and_a_target(config, args):
    done = upload(*args, "--config", config)
    assert done.returncode == EXIT_USAGE and "usage: millrace upload" in done.stderr


def test_denied_and_away(gateway, invoice):
    done = upload(invoice, "uploads/k", env={**gateway.env, "AWS_SECRET_ACCESS_KEY": "wrong"})
    assert done.returncode == EXIT_DENIED, done.stderr
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        away = f"http://127.0.0.1:{unused.getsockname()[1]}"
        done = upload(invoice, "uploads/k", env={**gateway.env, "AWS_ENDPOINT_URL_S3": away})
    assert done.returncode == EXIT_AWAY, done.stderr


def test_the_store_must_be_clear(config, invoice):
    done = upload(invoice, "uploads/k", "--config", config, "--store", "other")
    assert done.returncode == EXIT_USAGE and "--store" in done.stderr
    config.write_text(config.read_text() + "[store second]\nurl = s3://\n")
    done = upload(invoice, "uploads/k", "--config", config)
    assert done.returncode == EXIT_USAGE and "choose by --store" in done.stderr
    assert upload(invoice, "uploads/k", "--config", config, "--store", "local").returncode == 0
    config.write_text("[store lost]\nregion = x\n")
    done = upload(invoice, "uploads/k", "--config", config)
    assert done.returncode == EXIT_FAILED and "[store lost] has no url" in done.stderr
