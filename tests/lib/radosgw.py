#!/usr/bin/python3
"""radosgw.py -- a real S3 server for tests: Ceph's RADOS gateway over one monitor and one OSD in memory.

As a command: python3 tests/lib/radosgw.py [--bucket NAME]… -- CMD runs CMD with AWS_* set, and ends with
its status. Loopback only, free ports, a folder of its own, stopped by process ID.
"""
import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path

import boto3
import botocore.config

sys.path.insert(0, str(Path(__file__).resolve().parent))
from procs import SLOW, free_port, http, wait_until  # noqa: E402

ACCESS_KEY = "demo"
SECRET_KEY = "demosecret"

CONF = """\
[global]
fsid = {fsid}
mon host = [v2:127.0.0.1:{mon_v2},v1:127.0.0.1:{mon_v1}]
public network = 127.0.0.0/8
cluster network = 127.0.0.0/8
ms bind ipv6 = false
auth cluster required = none
auth service required = none
auth client required = none
# Without authentication the gateway reaches the monitor in this mode only.
ms mon client mode = crc
run dir = {folder}/run
log file = {folder}/log/$name.log
admin socket = {folder}/run/$name.asok
pid file = {folder}/run/$name.pid
crash dir = {folder}/crash
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pgp num = 1
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon allow pool size one = true
mon max pg per osd = 1000
[mon.a]
mon data = {folder}/mon
mon initial members = a
mon data avail warn = 1
mon data avail crit = 1
paxos propose interval = 0.05
[osd.0]
osd data = {folder}/osd
osd objectstore = memstore
memstore device bytes = 1073741824
osd class load list = *
osd class default list = *
[client.rgw.a]
rgw data = {folder}/rgw
rgw frontends = beast endpoint=127.0.0.1:{port}
rgw rados pool pg num min = 1
rgw run sync thread = false
rgw thread pool size = 32
rgw multi obj del max aio = 1
rgw enable apis = s3, s3website, sts, iam, notifications, admin
rgw override bucket index max shards = 1
"""


def is_gone(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


class RadosGateway:
    """endpoint, access_key, secret_key, env; s3() and sns() are boto3 clients."""

    access_key, secret_key, region = ACCESS_KEY, SECRET_KEY, "us-east-1"

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="radosgw-"))
        self.port = free_port()
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self.conf = self.folder / "ceph.conf"
        self.env = {
            "AWS_ENDPOINT_URL_S3": self.endpoint,
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
        }

    def _run(self, *command):
        done = subprocess.run([command[0], "-c", str(self.conf), *command[1:]], capture_output=True,
                              text=True, timeout=60 * SLOW, stdin=subprocess.DEVNULL)
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(command)}: {done.stdout}{done.stderr}{self.logs()}")
        return done.stdout

    def logs(self):
        out = []
        for log in sorted((self.folder / "log").glob("*.log")):
            out.append(f"--- {log.name}\n" + "\n".join(log.read_text(errors="replace").splitlines()[-15:]))
        return "\n".join(out)

    def start(self):
        for name in ("mon", "osd", "run", "log", "rgw"):
            (self.folder / name).mkdir()
        fsid, mon_v2, mon_v1 = uuid.uuid4(), free_port(), free_port()
        self.conf.write_text(CONF.format(folder=self.folder, fsid=fsid, mon_v2=mon_v2, mon_v1=mon_v1,
                                         port=self.port))
        monmap = str(self.folder / "monmap")
        self._run("monmaptool", "--create", "--clobber", "--fsid", str(fsid), "--addv", "a",
                  f"[v2:127.0.0.1:{mon_v2},v1:127.0.0.1:{mon_v1}]", monmap)
        self._run("ceph-mon", "-i", "a", "--mkfs", "--monmap", monmap)
        self._run("ceph-mon", "-i", "a")
        osd = str(uuid.uuid4())
        self._run("ceph", "osd", "new", osd, "0")
        self._run("ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", osd)
        self._run("ceph", "osd", "crush", "add", "osd.0", "1.0", "host=localhost", "root=default")
        self._run("ceph-osd", "-i", "0")
        self.start_gateway()
        self._run("radosgw-admin", "user", "create", "--uid=demo", "--display-name=Demo",
                  f"--access-key={self.access_key}", f"--secret-key={self.secret_key}")
        return self

    def start_gateway(self):
        """Its data stay in the OSD: it may be stopped and started again."""
        self._run("radosgw", "-n", "client.rgw.a")
        wait_until(self._answers, 60, "the gateway answers", also=self.logs, every=0.05)

    def _answers(self):
        try:
            return http("GET", self.endpoint + "/", timeout=5)[0] == 200
        except OSError:
            return False

    def _pid(self, name):
        try:
            return int((self.folder / "run" / f"{name}.pid").read_text())
        except (FileNotFoundError, ValueError):
            return None

    def stop_gateway(self):
        self._end("client.rgw.a", signal.SIGTERM)

    def _end(self, name, sig):
        """The daemons forked into the background: they are not ours to wait for."""
        pid = self._pid(name)
        if pid is None:
            return
        try:
            os.kill(pid, sig)
            wait_until(lambda: is_gone(pid), 15, f"{name} is gone")
        except ProcessLookupError:
            return
        except AssertionError:
            os.kill(pid, signal.SIGKILL)

    def stop(self):
        # What it holds is thrown away, so that there is nothing to wait for.
        for name in ("client.rgw.a", "osd.0", "mon.a"):
            self._end(name, signal.SIGKILL)
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.stop()
            raise

    def __exit__(self, *_):
        self.stop()

    def _client(self, service, **config):
        return boto3.client(service, endpoint_url=self.endpoint, aws_access_key_id=self.access_key,
                            aws_secret_access_key=self.secret_key, region_name=self.region,
                            config=botocore.config.Config(proxies={}, **config))

    def s3(self):
        return self._client("s3", s3={"addressing_style": "path"})

    def sns(self):
        return self._client("sns", signature_version="v4")

    def make_bucket(self, name, versioned=False):
        self.s3().create_bucket(Bucket=name)
        if versioned:
            self.s3().put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        return name

    def notify(self, bucket, url, topic="uploads", events=("s3:ObjectCreated:*",), persistent=False,
               opaque=None):
        """Sends the bucket's events to url (a secret as ?token=… in it arrives intact). A persistent
        topic is retried until a 2xx, but its very first delivery takes up to 30 s."""
        attributes = {"push-endpoint": url, "persistent": "true" if persistent else "false"}
        if opaque is not None:
            attributes["OpaqueData"] = opaque
        arn = self.sns().create_topic(Name=topic, Attributes=attributes)["TopicArn"]
        self.s3().put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={
            "TopicConfigurations": [{"Id": f"{topic}-{bucket}", "TopicArn": arn, "Events": list(events)}]})
        return arn


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bucket", action="append", default=[], help="create it first")
    parser.add_argument("command", nargs=argparse.REMAINDER, help="-- CMD ARGS")
    args = parser.parse_args()
    command = args.command[1:] if args.command[:1] == ["--"] else args.command
    began = time.monotonic()
    with RadosGateway() as gateway:
        for bucket in args.bucket:
            gateway.make_bucket(bucket)
        print(json.dumps({"endpoint": gateway.endpoint, "seconds": round(time.monotonic() - began, 2)}),
              file=sys.stderr, flush=True)
        if not command:
            parser.error("no command given")
        return subprocess.run(command, env={**os.environ, **gateway.env}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
