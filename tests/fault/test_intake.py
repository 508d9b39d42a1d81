"""The same message many times, hostile keys, hostile bodies."""
import random
import socket
import threading

import pytest
from procs import wait_until
from stack import TOKEN, record

COPY = {"copy": "cat input >out/copy\n"}
HOSTILE = ["a b", "a+b", "a%20b", "a\"b'c", "smile \U0001f600", "line\nbreak", "<script>alert(1)</script>",
           "-rf", "$(id)`id`", "k" * 250, "/".join(["d" * 100] * 10)[:1024], "\u202egnp.exe", "\x01\x1b[31m"]
# What cannot be a path in a directory store: an upload that ends, with the reason, never a path outside.
NO_PATH = ["../../etc/passwd", "a/../b", "/etc/passwd", "a//b", "x" * 300, "."]


def test_fifty_copies_in_any_order_make_one_tree(make_stack):
    stack = make_stack(COPY)
    stack.start_all()
    keys = [f"k{i}" for i in range(8)]
    for key in keys:
        stack.put(key)
    events = [record(key, size=1) for key in keys for _ in range(50)]
    random.Random(7).shuffle(events)
    statuses = []

    def send(part):
        # Some alone, some together in one message.
        for i in range(0, len(part), 4):
            statuses.append(stack.post(*part[i:i + 1 + i % 4]))
            statuses.append(stack.post(*part[i + 1 + i % 4:i + 4]) if i % 4 < 3 and part[i + 1 + i % 4:i + 4]
                            else 200)

    threads = [threading.Thread(target=send, args=(events[i::8],)) for i in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert set(statuses) == {200}
    stack.wait_final(len(keys), 60)
    assert stack.states() == {"ready": len(keys)}
    assert stack.db.one("select count(*) from millrace.job") == len(keys)
    assert stack.db.one("select count(*) from millrace.attempt where step_no > 0") == len(keys)


def test_an_older_write_that_comes_late_starts_nothing(make_stack):
    stack = make_stack(COPY)
    stack.start_all()
    stack.put("k", b"new")
    new, old = record("k", "2", size=3), record("k", "1", size=3)
    old["eventTime"] = "2026-03-09T17:40:00.000000Z"
    assert stack.post(new) == 200
    stack.wait_final(1, 30)
    assert stack.post(old) == 200
    stack.wait_final(2, 30)
    assert sorted(stack.db.query("select request_id, state::text, reason from millrace.upload")) == [
        ("1-k", "skipped", "superseded"), ("2-k", "ready", None)]


def test_hostile_keys_are_names_and_nothing_else(make_stack):
    stack = make_stack(COPY)
    stack.start_all()
    for key in HOSTILE:
        stack.put(key)
    assert stack.post(*[record(key, str(i), size=1) for i, key in enumerate(HOSTILE + NO_PATH)]) == 200
    stack.wait_final(len(HOSTILE + NO_PATH), 90)
    ends = dict(stack.db.query("select key, state::text from millrace.upload"))
    assert {k: s for k, s in ends.items() if k in HOSTILE} == {k: "ready" for k in HOSTILE}
    assert {k for k, s in ends.items() if s == "ready"} == set(HOSTILE)
    # Nothing was written outside: every result lies where its trace says.
    assert all(uri.startswith(f"file://{stack.results}/files/trace_")
               for uri, in stack.db.query("select uri from millrace.output"))


BAD_BODIES = {
    "empty": b"", "ten-megabytes": b"[" * (10 << 20), "deep": b"[" * 1000, "object": b"{}", "null": b"null",
    "empty-record": b'{"Records":[{}]}', "no-text": b"\xff\xfe", "no-records": b'{"Records":[1,null,[]]}',
    "text-records": b'{"Records":"x"}', "zeros": b"\0" * 64}


@pytest.mark.parametrize("body", BAD_BODIES.values(), ids=BAD_BODIES.keys())
def test_a_bad_body_is_answered_and_harms_nothing(make_stack, body):
    stack = make_stack(COPY)
    receive = stack.receive()
    try:
        status = stack.post_bytes(body)[0]
    except OSError:
        # A body past the limit is refused before it is read: the answer may be cut by our own sending.
        status = 413
    assert 200 <= status < 500
    stack.put("good")
    assert stack.post(record("good", size=1)) == 200
    assert receive.alive()


def raw(port, head, body=b""):
    with socket.create_connection(("127.0.0.1", port), timeout=20) as s:
        s.sendall(head + body)
        return s.recv(4096)


def test_a_length_of_two_gigabytes_is_refused_unread(make_stack):
    stack = make_stack(COPY)
    receive = stack.receive()
    reply = raw(stack.port, f"POST /v1/events/s3 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n"
                f"Content-Length: {2 << 30}\r\n\r\n".encode(), b"{")
    assert reply.startswith(b"HTTP/1.1 413"), reply
    assert receive.alive() and stack.post(record("k", size=1)) == 200


def resident_kb(process):
    for line in open(f"/proc/{process.pid}/status", encoding="ascii"):
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise AssertionError("no VmRSS")


@pytest.mark.unsanitized("measures memory")
def test_who_has_no_secret_fills_no_memory(make_stack):
    stack = make_stack(COPY)
    receive = stack.receive()
    stack.post(record("k", size=1))
    before = resident_kb(receive)
    head = b"POST /v1/events/s3 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer guess\r\nContent-Length: 1048576\r\n\r\n"
    crowd = []
    for _ in range(100):
        s = socket.create_connection(("127.0.0.1", stack.port), timeout=20)
        crowd.append(s)
        s.sendall(head + b"[" * 1000000)
    # All but the end of each body is there; then the last one ends, and hears why it is refused.
    crowd[-1].sendall(b"[" * 48576)
    assert crowd[-1].recv(4096).startswith(b"HTTP/1.1 401")
    grown = resident_kb(receive) - before
    for s in crowd:
        s.close()
    assert grown < 32 << 10, f"{grown} KiB for 100 MB of strangers"


@pytest.mark.unsanitized("measures memory")
def test_bodies_of_many_senders_fill_no_memory_either(make_stack):
    stack = make_stack(COPY)
    receive = stack.receive()
    stack.post(record("k", size=1))
    before = resident_kb(receive)
    head = (f"POST /v1/events/s3 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n"
            "Content-Length: 1048576\r\n\r\n").encode()
    crowd = []
    for _ in range(100):
        s = socket.create_connection(("127.0.0.1", stack.port), timeout=20)
        crowd.append(s)
        s.sendall(head + b"[" * 1000000)
    crowd[-1].sendall(b"[" * 48576)
    reply = crowd[-1].recv(4096)
    assert reply.startswith(b"HTTP/1.1 503") and b"Retry-After: " in reply
    grown = resident_kb(receive) - before
    for s in crowd:
        s.close()
    assert grown < 48 << 10, f"{grown} KiB for 100 MB of senders"
    wait_until(lambda: stack.post(record("k2", size=1)) == 200, 20, "there is room again")


def test_a_wrong_secret_is_refused_and_leaves_nothing(make_stack):
    stack = make_stack(COPY)
    stack.receive()
    assert stack.post(record("k", size=1), token="wrong") == 401
    assert stack.db.one("select count(*) from millrace.upload") == 0
    assert stack.db.one("select count(*) from millrace.event_log") == 0


def test_a_missing_object_is_skipped(make_stack):
    stack = make_stack(COPY)
    stack.start_all()
    assert stack.post(record("never-there", size=1)) == 200
    wait_until(lambda: stack.states() == {"skipped": 1}, 30, "it is skipped", also=stack.states)
    assert stack.db.one("select reason from millrace.upload") == "source_gone"
