"""test_receive.py -- `millrace receive` as senders see it: who may send, what is answered when, and
what is in the database afterwards."""
import concurrent.futures
import http.client
import json
import signal
import socket
import time

import pytest

from procs import SLOW, free_port, http as call, wait_until

SECRET = "a secret of some length"
BEARER = {"Authorization": f"Bearer {SECRET}"}


def event(key="k", bucket="in", etag="e", request="R1", **obj):
    return {
        "eventVersion": "2.1", "eventSource": "aws:s3", "eventName": "ObjectCreated:Put",
        "eventTime": "2026-03-04T05:06:07.089Z", "responseElements": {"x-amz-request-id": request},
        "s3": {"bucket": {"name": bucket}, "object": {"key": key, "size": 3, "eTag": etag, **obj}},
    }


def body(*records):
    return json.dumps({"Records": list(records)}).encode()


class Receiver:
    def __init__(self, processes, url, folder, *args, **kw):
        self.folder = folder
        self.secret = folder / "secret"
        self.secret.write_text(SECRET + "\n")
        (folder / "secret2").write_text("the other one\n")
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        config = f"""
database-url = {url}
listen = 127.0.0.1:{self.port}

[source s3]
secret_file = {self.secret}
secret_file_2 = {folder}/secret2

[source ceph]
auth = query
secret_file = {self.secret}

[source open]
auth = none
"""
        self.process = processes("receive", *args, config=config, **kw)

    def post(self, data, source="s3", headers=None, query=""):
        status, reply, head = call("POST", f"{self.url}/v1/events/{source}{query}", data,
                                   BEARER if headers is None else headers)
        return status, json.loads(reply), head

    def uploads(self, *args, **kw):
        status, reply, _ = self.post(*args, **kw)
        assert status == 200, reply
        return [(u["outcome"], u["trace_id"]) for u in reply["uploads"]]


@pytest.fixture
def receiver(processes, db, tmp_path):
    return Receiver(processes, db.url("receiver"), tmp_path)


def test_takes_an_upload_once(receiver, db):
    outcome, trace = receiver.uploads(body(event("2026/March+report+%28a%2Bb%29.pdf")))[0]
    assert outcome == "accepted" and trace.startswith("trace_")
    assert receiver.uploads(body(event("2026/March+report+%28a%2Bb%29.pdf"))) == [("duplicate", trace)]
    assert db.query("select bucket, key, size, etag, source, state::text from millrace.upload") == [
        ("in", "2026/March report (a+b).pdf", 3, "e", "s3", "accepted")]


def test_fifty_times_at_once_is_one_upload(receiver, db):
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        got = list(pool.map(lambda _: receiver.uploads(body(event())), range(50)))
    assert len({u[0][1] for u in got}) == 1
    assert sorted(u[0][0] for u in got) == ["accepted"] + ["duplicate"] * 49
    assert db.one("select count(*) from millrace.upload") == 1
    assert db.one("select count(*) from millrace.ticket") == 1


def test_one_bad_record_harms_no_other(receiver, db):
    got = receiver.uploads(body(event("a"), event("b%00c"), {"what": 1}, event("d")))
    assert [o for o, _ in got] == ["accepted", "refused", "refused", "accepted"]
    log = receiver.process.tail()
    assert log.count("record refused") == 2 and all(trace in log for outcome, trace in got if outcome == "refused")
    rejected = db.query("select detail from millrace.upload where state = 'rejected' order by detail")
    assert rejected == [("Records[1].s3.object.key: holds a NUL byte",), ("Records[2].eventName: is missing",)]


def test_tags_and_tests_are_noted(receiver, db):
    tag = event()
    tag["eventName"] = "s3:ObjectCreated:PutTagging"
    assert receiver.uploads(body(tag)) == [("noted", None)]
    assert receiver.uploads(b'{"Event":"s3:TestEvent","Bucket":"in"}') == [("noted", None)]
    assert db.one("select count(*) from millrace.upload") == 0
    assert db.one("select count(*) from millrace.event_log") == 2


@pytest.mark.parametrize("junk", [b"nonsense", b"\xff\xfe\x00", b"[" * 500000, b'{"Records":7}', b'{"a":"\\u0000"}'],
                         ids=["text", "bytes", "deep", "shape", "nul"])
def test_what_is_not_understood_is_kept_and_answered(receiver, db, junk):
    (outcome, trace), = receiver.uploads(junk)
    assert outcome == "refused" and trace
    assert bytes(db.one("select body from millrace.event_log")) == junk
    assert receiver.uploads(body(event()))[0][0] == "accepted"


def test_trace_id_of_the_sender(receiver, db):
    mine = "trace_01J8ZQ4M3K5T6V7W8X9Y0Z1A2B"

    def with_id(key, **meta):
        e = event(key, request=key)
        e["eventSource"] = "minio:s3"
        e["s3"]["object"]["userMetadata"] = meta
        return e

    assert receiver.uploads(body(with_id("a", **{"X-Amz-Meta-Trace-Id": mine}))) == [("accepted", mine)]
    _, other = receiver.uploads(body(with_id("b", **{"X-Amz-Meta-Trace-Id": mine})))[0]
    assert other != mine
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    receiver.uploads(body(with_id("c", **{"X-Amz-Meta-Traceparent": parent})))
    assert db.query("select key, client_trace_id from millrace.upload order by key") == [
        ("a", None), ("b", mine), ("c", "0af7651916cd43dd8448eb211c80319c")]


def test_who_may_send(receiver, db):
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Bearer "}, {"Authorization": ""}):
        status, reply, head = receiver.post(body(event()), headers=headers)
        assert status == 401 and reply["error"]["code"] == "unauthorized"
        assert head["WWW-Authenticate"] == "Bearer"
    assert db.one("select count(*) from millrace.event_log") == 0
    good = [BEARER, {"Authorization": SECRET}, {"Authorization": f"bearer {SECRET}"},
            {"Authorization": "Bearer the other one"}]
    for i, headers in enumerate(good):
        assert receiver.uploads(body(event(f"k{i}")), headers=headers)[0][0] == "accepted"
    # A secret in the URL is for sources that say so, and only there.
    assert receiver.post(body(event()), headers={}, query="?token=a+secret+of+some+length")[0] == 401
    assert receiver.post(body(event()), source="ceph", headers=BEARER)[0] == 401
    for query in ("", "?token=", "?token=wrong"):
        assert receiver.post(body(event()), source="ceph", headers={}, query=query)[0] == 401
    assert receiver.uploads(body(event("q")), source="ceph", headers={},
                            query="?token=a%20secret%20of%20some%20length")[0][0] == "accepted"
    assert receiver.uploads(body(event("o")), source="open", headers={})[0][0] == "accepted"


def test_secrets_rotate(receiver):
    (receiver.folder / "new").write_text("new secret")
    (receiver.folder / "new").rename(receiver.secret)
    wait_until(lambda: receiver.post(body(event()), headers={"Authorization": "new secret"})[0] == 200, 10)
    assert receiver.post(body(event()))[0] == 401
    wait_until(lambda: receiver.post(body(event()), source="ceph", headers={}, query="?token=new+secret")[0] == 200, 10,
               "every source looks")

    def complaints():
        return receiver.process.tail(1 << 20).count("secret not read")

    # A file that is gone or empty leaves the last good secret; each source says so once.
    receiver.secret.write_text("")
    wait_until(lambda: complaints() == 2, 10)
    assert receiver.post(body(event()), headers={"Authorization": "new secret"})[0] == 200
    assert receiver.post(body(event()), headers={"Authorization": ""})[0] == 401
    for word in ("once more", "and again"):
        (receiver.folder / "secret2").write_text(word)
        wait_until(lambda w=word: receiver.post(body(event()), headers={"Authorization": w})[0] == 200, 10, "it looked again")
    assert complaints() == 2
    receiver.secret.write_text("a good one")
    wait_until(lambda: receiver.post(body(event()), headers={"Authorization": "a good one"})[0] == 200, 10)
    receiver.secret.unlink()
    wait_until(lambda: complaints() == 4, 10, "a new trouble is told again")


def test_paths_and_methods(receiver):
    def status(method, path, data=None):
        return call(method, receiver.url + path, data, BEARER)[0]

    assert status("GET", "/") == 200
    assert status("HEAD", "/") == 200
    assert status("GET", "/v1/events/s3") == 204
    assert status("HEAD", "/v1/events/s3") == 204
    assert status("POST", "/v1/events/nobody", b"{}") == 404
    assert status("POST", "/v1/events/", b"{}") == 404
    assert status("POST", "/elsewhere", b"{}") == 404
    got, reply, head = call("PUT", receiver.url + "/v1/events/s3", b"{}", BEARER)
    assert got == 405 and "POST" in head["Allow"] and b"method_not_allowed" in reply
    assert status("POST", "/v1/events/s3", b"") == 400


def test_limits(receiver, db):
    # Refused by the headers alone: not a byte of the body is waited for.
    for size in ((1 << 20) + 1, 2 << 30):
        connection = http.client.HTTPConnection("127.0.0.1", receiver.port, timeout=20)
        connection.putrequest("POST", "/v1/events/s3")
        connection.putheader("Authorization", BEARER["Authorization"])
        connection.putheader("Content-Length", str(size))
        connection.endheaders()
        assert connection.getresponse().status == 413
        connection.close()
    assert db.one("select count(*) from millrace.event_log") == 0
    assert receiver.uploads(body(*[event(str(i)) for i in range(1001)]))[0][0] == "refused"
    assert len(receiver.uploads(body(*[event(str(i)) for i in range(1000)]))) == 1000


def test_poison_for_the_database_harms_nobody(receiver, db):
    """Many at once, of which one is refused by the database itself."""
    db.query("""create function millrace.poison() returns trigger language plpgsql as $$
        begin if new.key = 'poison' then raise exception 'no' using errcode = '22023'; end if; return new; end $$""")
    db.query("create trigger poison before insert on millrace.upload for each row execute function millrace.poison()")
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        keys = [f"k{i}" for i in range(100)]
        keys[50] = "poison"
        got = dict(zip(keys, pool.map(lambda k: receiver.uploads(body(event("x" + k), event(k)))[1][0], keys)))
    assert got.pop("poison") == "refused"
    assert set(got.values()) == {"accepted"}
    assert db.one("select count(*) from millrace.upload where state = 'accepted'") == 199
    assert "the database refused it" in db.one("select detail from millrace.upload where state = 'rejected'")


def test_database_away(processes, own_cluster, tmp_path):
    db = own_cluster.new_database()
    receiver = Receiver(processes, db.url("receiver"), tmp_path)
    acknowledged = set(receiver.uploads(body(event("before"))))
    own_cluster.stop(signal.SIGQUIT)
    status, reply, head = receiver.post(body(event("during")))
    assert status == 503 and head["Retry-After"] == "2" and reply["error"]["code"] == "unavailable"

    def at_once():
        from_ = time.monotonic()
        return receiver.post(body(event("during")))[0] == 503 and time.monotonic() - from_ < SLOW

    # Once it is known to be away, none is taken to be waited for.
    wait_until(at_once, 15, "the answer comes at once")
    assert receiver.process.probe_status("/livez") == 200
    own_cluster.start()
    wait_until(lambda: receiver.post(body(event("after")))[0] == 200, 20, "it reconnects by itself")
    assert {t for _, t in acknowledged} <= {
        r[0] for r in db.query("select millrace.trace_text(id) from millrace.upload")}


def test_alive_before_the_database_is_there(processes, own_cluster, tmp_path):
    """Or an orchestrator would kill it again and again while it waits."""
    url = own_cluster.new_database().url("receiver")
    own_cluster.stop(signal.SIGQUIT)
    receiver = Receiver(processes, url, tmp_path, ready=False)
    wait_until(lambda: receiver.process.probe_status("/livez") == 200, 20, "it is alive")
    assert receiver.process.probe_status("/readyz") == 503
    own_cluster.start()
    receiver.process.wait_ready()
    assert receiver.uploads(body(event("first")))[0][0] == "accepted"


def test_who_waits_when_the_database_is_lost_is_told(processes, own_cluster, tmp_path):
    """One is being written, the others have been taken: none waits until the database is back."""
    receiver = Receiver(processes, own_cluster.new_database().url("receiver"), tmp_path)
    receiver.uploads(body(event("before")))
    own_cluster.stop(signal.SIGQUIT)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda i: receiver.post(body(event(f"k{i}")))[0], range(8))) == [503] * 8


def test_half_of_a_message_is_no_answer(receiver, db):
    """The connection is lost between two records of one message, which were sent apart as the database refused both."""
    db.query("""create function millrace.cut() returns trigger language plpgsql as $$ begin
        if new.key = 'cut' and exists (select from millrace.upload where key = 'good' and received_at < now()) then
            perform pg_terminate_backend(pg_backend_pid());
        elsif new.key = 'cut' then
            raise exception 'no' using errcode = '22023';
        end if; return new; end $$""")
    db.query("create trigger cut before insert on millrace.upload for each row execute function millrace.cut()")
    assert receiver.post(body(event("good"), event("cut", request="R2")))[0] == 503
    assert db.query("select key from millrace.upload") == [("good",)]
    db.query("drop trigger cut on millrace.upload")
    wait_until(lambda: receiver.post(body())[0] == 200, 20, "it is connected again")
    assert [o for o, _ in receiver.uploads(body(event("good"), event("cut", request="R2")))] == ["duplicate", "accepted"]


def test_short_restart_is_waited_out(processes, own_cluster, tmp_path):
    """A sender with one try loses nothing when the connection was cut while nobody sent."""
    db = own_cluster.new_database()
    receiver = Receiver(processes, db.url("receiver"), tmp_path)
    receiver.uploads(body(event("before")))
    db.query("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'millrace receive'")
    assert receiver.uploads(body(event("after")))[0][0] == "accepted"


def test_kill_in_flight_loses_nothing_acknowledged(processes, db, tmp_path):
    receiver = Receiver(processes, db.url("receiver"), tmp_path)
    acknowledged = []

    def send(i):
        try:
            acknowledged.append(receiver.uploads(body(event(f"k{i}")))[0][1])
        except (OSError, http.client.HTTPException):
            pass

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        sent = [pool.submit(send, i) for i in range(400)]
        wait_until(lambda: len(acknowledged) >= 50, 20)
        receiver.process.kill()
        concurrent.futures.wait(sent)
    stored = {r[0] for r in db.query("select millrace.trace_text(id) from millrace.upload")}
    assert len(acknowledged) >= 50 and set(acknowledged) <= stored


def test_stops_after_what_is_in_flight(processes, db, tmp_path):
    receiver = Receiver(processes, db.url("receiver"), tmp_path)
    outcomes = []

    def send(i):
        try:
            outcomes.append((i, receiver.uploads(body(event(f"k{i}")))[0][0]))
        except (OSError, http.client.HTTPException):
            pass

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        sent = [pool.submit(send, i) for i in range(200)]
        wait_until(lambda: len(outcomes) >= 20, 20)
        assert receiver.process.term() == 0
        concurrent.futures.wait(sent)
    keys = {r[0] for r in db.query("select key from millrace.upload")}
    assert {f"k{i}" for i, _ in outcomes} == keys


@pytest.mark.parametrize("config, message", [
    ("listen = 0.0.0.0:0\n[source a]\nauth = none\n", "is not loopback"),
    ("listen = 127.0.0.1:0\n[source a]\n", "source a needs a secret_file"),
    ("listen = 127.0.0.1:0\n[source a]\nsecret_file = /nonexistent\n", "/nonexistent"),
    ("listen = 127.0.0.1:0\n", "no sender is configured"),
], ids=["open", "no-secret", "no-file", "no-source"])
def test_refuses_to_start(processes, db, config, message):
    p = processes("receive", config=f"database-url = {db.url('receiver')}\n{config}", ready=False)
    assert p.wait(20) == 1
    assert message in p.tail()


def test_half_sent_requests_hold_up_nobody(receiver):
    held = []
    for _ in range(50):
        s = socket.create_connection(("127.0.0.1", receiver.port), timeout=10)
        s.sendall(b"POST /v1/events/s3 HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        held.append(s)
    assert receiver.uploads(body(event()))[0][0] == "accepted"
    for s in held:
        s.close()


def test_metrics(receiver):
    receiver.uploads(body(event()))
    receiver.uploads(body(event()))
    receiver.post(body(event()), headers={})
    text = call("GET", receiver.process.probe + "/metrics")[1].decode()
    assert 'millrace_events_received_total{result="accepted"} 1' in text
    assert 'millrace_events_received_total{result="duplicate"} 1' in text
    assert 'millrace_receive_requests_total{result="unauthorized"} 1' in text
