"""A handler that hangs, floods, fails or dies harms its own job only."""
from procs import wait_until

KINDS = {k: {"timeout_s": 2, "attempts": 1} for k in ("ok", "hang", "flood", "one", "die", "orphan")}
HANDLERS = {
    "ok": "cat input >out/copy\n",
    "hang": "trap '' TERM\nsleep 600\n",
    "flood": "head -c 60000000 /dev/zero | tr '\\0' 'x' >&2\necho the last line >&2\nexit 1\n",
    "one": "echo went wrong >&2\nexit 1\n",
    "die": "kill -SEGV $$\n",
    "orphan": "(setsid sleep 599 &) \ncat input >out/copy\n",
}


def test_each_end_is_recorded_and_others_go_on(make_stack):
    rules = [{"name": k, "match": {"key": f"{k}*"}, "jobs": [{"step": k, "kind": k}]} for k in HANDLERS]
    stack = make_stack(HANDLERS, kinds=KINDS, rules=rules)
    from stack import record
    roles = stack.start_all()
    keys = [k for k in HANDLERS if k != "ok"] + [f"ok-{i}" for i in range(10)]
    for key in keys:
        stack.put(key)
        assert stack.post(record(key, size=1)) == 200
    # A crash is tried three times, with the queue's delays between.
    stack.wait_final(len(keys), 150)
    ends = dict(stack.db.query("select key, state::text from millrace.upload"))
    assert ends == {k: "ready" if k.startswith(("ok", "orphan")) else "failed" for k in keys}
    last = {key: (outcome, error_class, tail) for key, outcome, error_class, tail in stack.db.query(
        """select distinct on (u.key) u.key, a.outcome, a.error_class, a.tail from millrace.attempt a
        join millrace.upload u on u.id = a.upload_id where a.step_no > 0 order by u.key, a.attempt desc""")}
    assert last["hang"][0] == "timeout"
    assert last["one"][:2] == ("error", "exit") and "went wrong" in last["one"][2]
    assert last["die"][:2] == ("crash", "signal")
    assert last["flood"][0] == "error" and last["flood"][2].rstrip().endswith("the last line")
    assert len(last["flood"][2]) <= 64 * 1024
    assert stack.db.one("select count(*) from millrace.dead_job") == 4
    assert roles["work"].alive()
    wait_until(lambda: not survivors(), 10, "no process of a handler is left", also=lambda: str(survivors()))


def survivors():
    from pathlib import Path
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if words[:2] in ([b"sleep", b"600"], [b"sleep", b"599"]):
            found.append(path.parent.name)
    return found
