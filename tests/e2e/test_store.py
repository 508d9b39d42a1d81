"""store/ against a real S3 server and a directory, and against faults that no real server produces."""
import os
import socket
import threading
import time
from pathlib import Path

import pytest

from procs import http, wait_until
from radosgw import RadosGateway
from store import Store

MIB = 1 << 20
TRACE = "trace_01J8ZZZZZZZZZZZZZZZZZZZZZZ"
HOSTILE = [
    "plain.txt", "in/folder/deep.pdf", "with space.pdf", " leading and trailing ", "plus+plus", "per%cent",
    "%2e%2e%2f", "a%20b", 'quo"te', "apos'trophe", "back\\slash", "question?mark", "hash#tag", "amp&eq=1;2",
    "ümläut-é", "emoji-😀-👩‍👩‍👧", "rtl-\u202egnp.exe", "../../etc/passwd", "a/../b", "./a", "a/./b", "a//b", "/leading",
    "new\nline", "tab\there", "cr\rlf\n", "<script>alert(1)</script>", "*?[]{}", "~", "~root", "-rf", "$(id)", "`id`",
    "con:trol\x01", "k" * 1024, "é" * 512, "a/" * 511 + "b",
]
# Which of them a directory refuses, and a word of the reason.
NO_PATH = {
    "../../etc/passwd": '".." is not a name', "a/../b": '".." is not a name', "./a": '"." is not a name',
    "a/./b": '"." is not a name', "a//b": "empty part", "/leading": "empty part", "k" * 1024: "255 bytes",
    "é" * 512: "255 bytes",
}


@pytest.fixture(scope="module")
def gateway():
    with RadosGateway() as g:
        yield g


@pytest.fixture
def s3(gateway):
    s = Store(gateway.env)
    s.ok("open", url="s3://")
    yield s
    s.close()


@pytest.fixture(scope="module")
def bucket(gateway):
    return gateway.make_bucket("uploads")


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "root"
    (root / "uploads").mkdir(parents=True)
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret").write_text("secret")
    return root


@pytest.fixture
def directory(folder):
    s = Store()
    s.ok("open", url=f"file://{folder}")
    yield s
    s.close()


@pytest.fixture
def source(tmp_path):
    def make(data, name="source"):
        path = tmp_path / name
        path.write_bytes(data)
        return str(path)
    return make


def test_hostile_keys_round_trip_on_s3(s3, bucket, gateway, source, tmp_path):
    into = str(tmp_path / "into")
    for i, key in enumerate(HOSTILE):
        data = f"{i} {key!r}".encode()
        s3.ok("put", bucket=bucket, key=key, path=source(data), content_type="text/plain", trace_id=TRACE)
        meta = s3.ok("get", bucket=bucket, key=key, path=into)
        assert Path(into).read_bytes() == data, key
        assert (meta["size"], meta["trace_id"], meta["content_type"]) == (len(data), TRACE, "text/plain")
        # Another client finds the same bytes under the same key.
        seen = gateway.s3().get_object(Bucket=bucket, Key=key)
        assert seen["Body"].read() == data, key
        assert seen["ETag"].strip('"') == meta["etag"]
        assert abs(seen["LastModified"].timestamp() * 1000 - meta["modified_ms"]) < 1000
    listed = {o["Key"] for o in gateway.s3().list_objects_v2(Bucket=bucket)["Contents"]}
    assert listed == set(HOSTILE)


def test_a_directory_takes_what_can_be_a_path_and_names_what_cannot(directory, folder, source, tmp_path):
    into = str(tmp_path / "into")
    for i, key in enumerate(HOSTILE):
        if key in NO_PATH:
            reply = directory.refused("put", "permanent", "BadKey", bucket="uploads", key=key, path=source(b"x"))
            assert NO_PATH[key] in reply["message"], reply
            directory.refused("head", "permanent", "BadKey", bucket="uploads", key=key)
            continue
        data = f"{i} {key!r}".encode()
        directory.ok("put", bucket="uploads", key=key, path=source(data), trace_id=TRACE)
        meta = directory.ok("get", bucket="uploads", key=key, path=into)
        assert Path(into).read_bytes() == data
        assert meta["size"] == len(data)
        assert meta["etag"] == directory.ok("stat_etag", path=str(folder / "uploads" / key))["etag"]
        assert meta["trace_id"] in (TRACE, None)
    assert not list(folder.rglob(".millrace-tmp-*"))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["into", "outside", "root", "source"]


def test_a_directory_lets_nobody_out(directory, folder, tmp_path, source):
    outside = tmp_path / "outside"
    (folder / "uploads" / "link").symlink_to(outside)
    (folder / "uploads" / "file-link").symlink_to(outside / "secret")
    (folder / "bucket-link").symlink_to(outside)
    (folder / "uploads" / "folder").mkdir()
    os.mkfifo(folder / "uploads" / "fifo")
    into = str(tmp_path / "into")
    for bucket, key in [("uploads", "link/secret"), ("uploads", "file-link"), ("bucket-link", "secret"),
                        ("..", "outside/secret"), ("../outside", "secret"), ("", "x"), ("uploads", ""),
                        ("uploads", "fifo"), ("uploads", ".millrace-tmp-1")]:
        directory.refused("get", "permanent", "BadKey", bucket=bucket, key=key, path=into)
    for key in ("link/new", "folder", ".millrace-tmp-1", "folder/"):
        directory.refused("put", "permanent", "BadKey", bucket="uploads", key=key, path=source(b"x"))
    directory.ok("put", bucket="uploads", key="file-link", path=source(b"replaced"))
    assert (outside / "secret").read_text() == "secret"
    assert sorted(p.name for p in outside.iterdir()) == ["secret"]
    directory.refused("head", "permanent", "NotFound", bucket="uploads", key="folder")
    directory.refused("head", "retry", "NoSuchBucket", bucket="none", key="x")
    directory.refused("put", "retry", "NoSuchBucket", bucket="none", key="x", path=source(b"x"))


def test_what_is_missing_has_one_name(s3, bucket, directory, tmp_path, source):
    into = str(tmp_path / "into")
    for store in (s3, directory):
        for op, args in (("head", {}), ("get", {"path": into}), ("get_head", {"n": 10})):
            store.refused(op, "permanent", "NotFound", bucket="uploads", key="none/such", **args)
    # A bucket that is not there, or not yet mounted, says nothing about the object.
    s3.refused("put", "retry", "NoSuchBucket", bucket="no-such-bucket", key="k", path=source(b"x"))
    s3.refused("get", "retry", "NoSuchBucket", bucket="no-such-bucket", key="k", path=into)
    s3.refused("head", "permanent", "BadKey", bucket="a/b", key="k")
    s3.refused("head", "permanent", "BadKey", bucket="uploads", key="")


def test_an_object_is_pinned(s3, bucket, directory, gateway, folder, tmp_path, source):
    into = str(tmp_path / "into")
    for store in (s3, directory):
        store.ok("put", bucket="uploads", key="pin", path=source(b"first"))
        etag = store.ok("head", bucket="uploads", key="pin")["etag"]
        store.ok("get", bucket="uploads", key="pin", etag=etag, path=into)
        store.ok("put", bucket="uploads", key="pin", path=source(b"second"))
        for op, args in (("head", {}), ("get", {"path": into}), ("get_head", {"n": 3})):
            store.refused(op, "permanent", "Replaced", bucket="uploads", key="pin", etag=etag, **args)


def test_a_version_is_pinned(s3, gateway, tmp_path):
    into = str(tmp_path / "into")
    name = gateway.make_bucket("versioned", versioned=True)
    first = gateway.s3().put_object(Bucket=name, Key="k", Body=b"first")["VersionId"]
    gateway.s3().put_object(Bucket=name, Key="k", Body=b"second")
    meta = s3.ok("get", bucket=name, key="k", version_id=first, path=into)
    assert (Path(into).read_bytes(), meta["version_id"]) == (b"first", first)
    gateway.s3().delete_object(Bucket=name, Key="k")
    s3.refused("head", "permanent", "NotFound", bucket=name, key="k")
    s3.ok("head", bucket=name, key="k", version_id=first)
    s3.refused("head", "permanent", "NotFound", bucket=name, key="k", version_id="x" * 32)


def test_an_object_of_no_bytes(s3, bucket, directory, source, tmp_path):
    into = tmp_path / "into"
    for store in (s3, directory):
        into.write_bytes(b"left over")
        store.ok("put", bucket="uploads", key="empty", path=source(b""))
        assert store.ok("get", bucket="uploads", key="empty", path=str(into))["size"] == 0
        assert into.read_bytes() == b""
        assert store.ok("get_head", bucket="uploads", key="empty", n=16)["hex"] == ""


def test_the_first_bytes(s3, bucket, directory, source):
    for store in (s3, directory):
        store.ok("put", bucket="uploads", key="head", path=source(b"0123456789"))
        assert bytes.fromhex(store.ok("get_head", bucket="uploads", key="head", n=4)["hex"]) == b"0123"
        assert bytes.fromhex(store.ok("get_head", bucket="uploads", key="head", n=4096)["hex"]) == b"0123456789"


def test_the_limit_holds(s3, bucket, directory, source, tmp_path):
    into = str(tmp_path / "into")
    for store in (s3, directory):
        store.ok("put", bucket="uploads", key="big", path=source(b"x" * 1000))
        store.ok("get", bucket="uploads", key="big", path=into, max=1000)
        store.refused("get", "permanent", "TooLarge", bucket="uploads", key="big", path=into, max=999)


@pytest.mark.unsanitized("measures memory")
def test_a_large_object_in_flat_memory(s3, bucket, directory, tmp_path):
    big, into = tmp_path / "big", tmp_path / "into"
    with open(big, "wb") as f:
        for i in range(100):
            f.write(bytes([i]) * MIB)
    for store in (s3, directory):
        before = store.ok("uri", bucket="uploads", key="big")["rss_kib"]
        store.ok("put", bucket="uploads", key="large", path=str(big))
        after = store.ok("get", bucket="uploads", key="large", path=str(into))
        assert after["size"] == 100 * MIB
        assert into.read_bytes() == big.read_bytes()
        assert after["rss_kib"] - before < 8 * 1024, (before, after)


def test_a_file_that_is_not_as_long_as_said(s3, bucket, directory, source, folder):
    for store in (s3, directory):
        for size in (3, 5000):
            reply = store.call("put", bucket="uploads", key="liar", path=source(b"x" * 100), size=size)
            assert reply["rc"] != "ok", reply
        store.refused("head", "permanent", "NotFound", bucket="uploads", key="liar")
    assert not list(folder.rglob(".millrace-tmp-*"))


def test_a_presigned_url_opens_one_object(s3, bucket, gateway, source):
    key = "pre signed/ü+%.txt"
    s3.ok("put", bucket=bucket, key=key, path=source(b"by link"))
    url = s3.ok("presign", method="GET", bucket=bucket, key=key, expires=60)["url"]
    assert http("GET", url)[:2] == (200, b"by link")
    assert http("GET", url.replace("pre", "prE"))[0] == 403
    assert http("PUT", url, b"no")[0] == 403
    put = s3.ok("presign", method="PUT", bucket=bucket, key="put/by link", expires=60)["url"]
    assert http("PUT", put, b"arrived")[0] == 200
    assert gateway.s3().get_object(Bucket=bucket, Key="put/by link")["Body"].read() == b"arrived"


def test_keys_come_from_files_and_are_read_again_when_refused(gateway, bucket, tmp_path):
    access, secret = tmp_path / "access", tmp_path / "secret"
    access.write_text(gateway.access_key + "\n")
    secret.write_text("wrong\n")
    s = Store()
    s.ok("open", url="s3://", endpoint=gateway.endpoint, access_key_file=str(access), secret_key_file=str(secret))
    gateway.s3().put_object(Bucket=bucket, Key="rotated", Body=b"x")
    s.refused("get_head", "retry", "SignatureDoesNotMatch", bucket=bucket, key="rotated", n=1)
    secret.write_text(gateway.secret_key + "\n")
    s.ok("get_head", bucket=bucket, key="rotated", n=1)
    s.close()


@pytest.mark.parametrize("env, says", [
    ({}, "no S3 credentials: set AWS_ACCESS_KEY_ID"),
    ({"AWS_ACCESS_KEY_ID": "x"}, "AWS_SECRET_ACCESS_KEY is not set"),
])
def test_missing_keys_are_named(env, says):
    s = Store(env)
    s.ok("open", url="s3://", endpoint="http://127.0.0.1:9")
    assert says in s.refused("head", "retry", "NoCredentials", bucket="uploads", key="k")["message"]
    s.close()


@pytest.mark.parametrize("conf, says", [
    ({"url": "ftp://x"}, "must be file:///folder or s3://"),
    ({"url": "file://relative"}, "must be file:///folder or s3://"),
    ({"url": "file:///no/such/folder"}, "/no/such/folder: No such file"),
    ({"url": "s3://", "endpoint": "localhost:9000"}, "must be http:// or https://"),
    ({"url": "s3://", "endpoint": "http://user:secret@host"}, "without user"),
    ({}, "no url is set"),
])
def test_a_bad_store_is_named(conf, says):
    s = Store()
    reply = s.call("open", **conf)
    assert reply["rc"] == "permanent"
    assert says in reply["message"], reply
    s.close()


class Liar:
    """An S3 server that does what no real one does: answers each connection with the next of its texts."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.requests = []
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.endpoint = f"http://127.0.0.1:{self.socket.getsockname()[1]}"
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        for answer in self.answers:
            try:
                connection = self.socket.accept()[0]
            except OSError:
                return
            with connection:
                head = b""
                while b"\r\n\r\n" not in head:
                    head += connection.recv(65536)
                self.requests.append(head.decode())
                connection.sendall(answer() if callable(answer) else answer)

    def store(self):
        s = Store({"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "s"})
        s.ok("open", url="s3://", endpoint=self.endpoint)
        return s


def answer(status, body=b"", **headers):
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


CUT = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\nETag: \"e\"\r\n\r\nonly this"
BUSY = answer("503 Slow Down", b"<Error><Code>SlowDown</Code><Message>Reduce</Message></Error>")
FINE = answer("200 OK", b"all of it", ETag='"e"')


def test_a_body_cut_short_is_tried_again_and_never_taken_for_whole(tmp_path):
    into = tmp_path / "into"
    liar = Liar(CUT, FINE)
    s = liar.store()
    assert s.ok("get", bucket="uploads", key="k", path=str(into))["size"] == 9
    assert into.read_bytes() == b"all of it"
    s.close()
    liar = Liar(CUT, CUT, CUT)
    s = liar.store()
    assert s.refused("get", "retry", "Transport", bucket="uploads", key="k", path=str(into))
    assert len(liar.requests) == 3
    s.close()


def test_a_busy_store_is_tried_three_times(tmp_path):
    liar = Liar(BUSY, BUSY, FINE)
    s = liar.store()
    s.ok("get", bucket="uploads", key="k", path=str(tmp_path / "into"))
    s.close()
    liar = Liar(BUSY, BUSY, BUSY, FINE)
    s = liar.store()
    reply = s.refused("get", "retry", "SlowDown", bucket="uploads", key="k", path=str(tmp_path / "into"))
    assert reply["http"] == 503 and "Reduce" in reply["message"]
    s.close()


def test_a_long_retry_after_is_left_to_the_queue(tmp_path):
    liar = Liar(answer("503 x", Retry_After="120"), FINE)
    s = liar.store()
    s.refused("head", "retry", "", bucket="uploads", key="k")
    assert len(liar.requests) == 1
    s.close()


def test_another_region_is_learnt_once(tmp_path):
    elsewhere = answer("400 Bad Request", b"<Error><Code>AuthorizationHeaderMalformed</Code>"
                       b"<Region>eu-west-3</Region></Error>")
    liar = Liar(elsewhere, FINE, FINE)
    s = liar.store()
    s.ok("get", bucket="uploads", key="k", path=str(tmp_path / "into"))
    s.ok("get", bucket="uploads", key="k", path=str(tmp_path / "into"))
    assert ["us-east-1" in r for r in liar.requests] == [True, False, False]
    assert ["eu-west-3" in r for r in liar.requests] == [False, True, True]
    s.close()
    liar = Liar(answer("301 Moved", x_amz_bucket_region="eu-west-1"), answer("301 Moved", x_amz_bucket_region="eu-west-1"))
    s = liar.store()
    s.refused("head", "retry", "WrongRegion", bucket="uploads", key="k")
    assert len(liar.requests) == 2
    s.close()


def test_a_clock_that_is_refused_is_set_by_the_servers(tmp_path):
    skewed = answer("403 Forbidden", b"<Error><Code>RequestTimeTooSkewed</Code></Error>",
                    Date="Fri, 02 Jan 2015 03:04:05 GMT")
    liar = Liar(skewed, FINE)
    s = liar.store()
    s.ok("get", bucket="uploads", key="k", path=str(tmp_path / "into"))
    assert "20150102T0304" in liar.requests[1].replace("X-Amz-Date", "x-amz-date")
    s.close()


@pytest.mark.parametrize("body", [
    b"<!DOCTYPE x [<!ENTITY a 'b'>]><Error><Code>NoSuchKey</Code></Error>", b"<Error><Code>NoSuch", b"\xff\xfe", b"",
    b"<a>" * 1000, b"<html><body>proxy error</body></html>", b"x" * 1000000,
], ids=["doctype", "cut", "binary", "empty", "deep", "html", "large"])
def test_an_error_that_is_no_error_document(body, tmp_path):
    liar = Liar(answer("404 Not Found", body))
    s = liar.store()
    reply = s.refused("get", "retry", "UnclearNotFound", bucket="uploads", key="k", path=str(tmp_path / "into"))
    assert "NoSuchKey" not in reply["message"]
    s.close()


def test_a_redirect_is_not_followed(tmp_path):
    target = Liar(FINE)
    liar = Liar(answer("307 Temporary Redirect", Location=target.endpoint + "/uploads/k"))
    s = liar.store()
    s.refused("get", "retry", "WrongRegion", bucket="uploads", key="k", path=str(tmp_path / "into"))
    assert target.requests == []
    s.close()


def test_a_store_that_ignores_if_match_is_caught(tmp_path):
    liar = Liar(FINE)
    s = liar.store()
    s.refused("get", "permanent", "Replaced", bucket="uploads", key="k", etag="other", path=str(tmp_path / "into"))
    s.close()


def test_a_store_that_is_away_is_passing(gateway, bucket):
    s = Store({"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "s"})
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        s.ok("open", url="s3://", endpoint=f"http://127.0.0.1:{unused.getsockname()[1]}")
        began = time.monotonic()
        s.refused("head", "retry", "Transport", bucket="uploads", key="k")
        assert time.monotonic() - began < 3
    s.close()


def test_a_gateway_that_comes_back_is_used_again(gateway, bucket, source):
    s = Store(gateway.env)
    s.ok("open", url="s3://")
    s.ok("put", bucket=bucket, key="again", path=source(b"x"))
    gateway.stop_gateway()
    s.refused("head", "retry", "Transport", bucket=bucket, key="again")
    gateway.start_gateway()
    wait_until(lambda: s.call("head", bucket=bucket, key="again")["rc"] == "ok", 10, "the object is seen")
    s.close()
