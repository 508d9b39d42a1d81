"""The status server over HTTP: what it answers, to whom, and with which headers."""
import base64
import hashlib
import http.client as http_client
import json
import select
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote, urlsplit

import pytest

from conftest import FAKES, Site, load, serve, trace_id
from procs import SANITIZER, SLOW, http, wait_until

def test_trace_in_every_form_of_its_id(site):
    tid = trace_id("ready")
    status, body, headers = site.get(f"/t/{tid}")
    assert status == 200 and b"Ready 1.8 s after it arrived." in body
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    for form in (tid.lower(), tid.removeprefix("trace_"), tid.removeprefix("trace_").lower()):
        request_status, _, request_headers = no_redirect(site, f"/t/{form}")
        assert (request_status, request_headers["Location"]) == (303, f"/t/{tid}"), form
    assert no_redirect(site, f"/t/{tid}/preview")[2]["Location"] == f"/t/{tid}#job-preview"


def no_redirect(site, path):
    """http() follows redirects; curl's way of not doing so."""
    c = http_client.HTTPConnection(urlsplit(site.url).netloc, timeout=30)
    c.request("GET", path)
    r = c.getresponse()
    body = r.read()
    c.close()
    return r.status, body, r.headers


def test_the_page_counts_by_the_databases_clock(site):
    trace = load("trace-ready.json")
    trace["upload"].update(state="accepted", received_at="2020-01-02T03:04:05.000000Z")
    trace["now"] = "2020-01-02T03:04:12.000000Z"
    site.put(trace["trace_id"], trace)
    assert b"waits for the router, for 7.0 s" in site.get(f"/t/{trace['trace_id']}")[1]


def test_unknown_things_are_404_with_hints(site):
    for path in ("/t/trace_01KAJ6ZJ0G4T8Q2M9V7N3XW5ZZ", "/t/nonsense", "/t/%3Cscript%3E",
                 "/search?q=no-such-thing", "/nowhere"):
        status, body, _ = site.get(path)
        assert status == 404, path
        assert b"What can be looked for" in body and b"<script>" not in body, path
    for path in ("/%00", "/%zz", "/a//b", "/%ff"):
        assert site.get(path)[0] == 400, path


def test_search_goes_to_the_one_or_lists_many(site):
    tid = trace_id("ready")
    assert no_redirect(site, f"/search?q=%20{tid}%0A")[2]["Location"] == f"/t/{tid}"
    status, body, _ = site.get("/search?q=invoices")
    assert status == 200 and b"3 uploads match" in body
    assert no_redirect(site, "/search?q=")[2]["Location"] == "/"


def test_json_is_the_databases(site):
    tid = trace_id("failed")
    status, body, headers = site.get(f"/api/v1/traces/{tid.lower()}")
    assert status == 200 and json.loads(body) == load("trace-failed.json")
    assert headers["Content-Type"] == "application/json"
    lists = load("lists.json")
    for name in ("queues", "dead", "workers"):
        assert json.loads(site.get(f"/api/v1/{name}")[1]) == lists[name]
    status, body, _ = site.get("/api/v1/traces/nonsense")
    assert status == 404 and json.loads(body)["error"]["code"] == "not_found"
    assert json.loads(site.get("/api/v1/nothing")[1])["error"]["code"] == "not_found"


def test_it_only_reads(site):
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        status, _, headers = site.get("/dead", method=method, body=b"x=1")
        assert (status, headers["Allow"]) == (405, "GET, HEAD"), method
    assert site.get("/dead", method="HEAD")[:2] == (200, b"")


@pytest.mark.parametrize("path", ["/", "/t/nonsense", "/queues", "/dead", "/workers",
                                  "/api/v1/queues", "/search?q=invoices"])
def test_headers(site, path):
    headers = site.get(path)[2]
    policy = headers["Content-Security-Policy"] or ""
    if headers["Content-Type"].startswith("text/html"):
        for part in ("default-src 'none'", "script-src 'self'", "style-src 'self'",
                     "img-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"):
            assert part in policy
        assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "no-referrer"


def test_pages_carry_nothing_inline(site):
    for path in ("/", f"/t/{trace_id('ready')}", f"/t/{trace_id('hostile')}", "/dead"):
        body = site.get(path)[1].decode().lower()
        assert "<style" not in body and " style=" not in body
        assert body.count("<script") == 1 and '<script src="/assets/live.js" defer>' in body
        assert "http://" not in body.replace("http://127.0.0.1", "")


def test_assets_are_revalidated(site):
    status, body, headers = site.get("/assets/style.css")
    assert status == 200 and b"prefers-color-scheme" in body
    assert headers["Content-Type"] == "text/css; charset=utf-8"
    tag = headers["ETag"]
    assert site.get("/assets/style.css", headers={"If-None-Match": tag})[0] == 304
    assert site.get("/assets/nothing.css")[0] == 404
    assert site.get("/assets/%2e%2e%2fserver.c")[0] == 404


def put_result(files, site, name, content, content_type, listed_sha=None):
    tid = trace_id("ready")
    trace = load("trace-ready.json")
    folder = files / "results" / tid / "preview" / "2"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)
    trace["jobs"][2]["outputs"] = [{
        "name": name, "attempt": 2, "uri": f"file://{folder / name}", "size": len(content),
        "sha256": listed_sha or hashlib.sha256(content).hexdigest(),
        "content_type": content_type}]
    site.put(tid, trace)
    return f"/t/{tid}/preview/2/"


@pytest.mark.parametrize("name, kind, how, sent", [
    ("page-1.png", "image/png", "inline", "image/png"),
    ("notes.txt", "text/plain", "inline", "text/plain; charset=utf-8"),
    ("x.html", "text/html", "attachment", "application/octet-stream"),
    ("x.svg", "image/svg+xml", "attachment", "application/octet-stream"),
    ("a b#ü%2f.pdf", "application/pdf", "attachment", "application/octet-stream"),
    ("evil.png", "image/png2", "attachment", "application/octet-stream"),
])
def test_results(site, files, name, kind, how, sent):
    content = b"<script>1</script>" * 1000
    base = put_result(files, site, name, content, kind)
    status, body, headers = site.get(base + quote(name, safe=""))
    assert (status, body) == (200, content)
    assert headers["Content-Type"] == sent
    assert headers["Content-Disposition"].startswith(how + "; filename*=UTF-8''")
    assert headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_only_listed_results(site, files):
    base = put_result(files, site, "page-1.png", b"png", "image/png")
    (files / "results" / "secret").write_bytes(b"secret")
    for path in (base + "other.png", base + "..%2f..%2f..%2fsecret",
                 base.replace("/2/", "/1/") + "page-1.png",
                 base.replace("/preview/", "/exif/") + "page-1.png"):
        assert site.get(path)[0] == 404, path


def test_a_changed_or_lost_result_is_said(site, files):
    base = put_result(files, site, "page-1.png", b"png", "image/png", listed_sha="0" * 64)
    status, body, _ = site.get(base + "page-1.png")
    assert status == 500 and b"not what the job recorded" in body
    base = put_result(files, site, "page-1.png", b"png", "image/png")
    for path in (files / "results").rglob("page-1.png"):
        path.unlink()
    assert site.get(base + "page-1.png")[0] == 404


def test_a_store_that_hangs_takes_nothing_else_down(processes, db):
    db.query(FAKES)
    with socket.create_server(("127.0.0.1", 0), backlog=64) as silent:
        server, url = serve(
            processes, db, config=f"[store s3]\nurl = s3://\nregion = x\n"
            f"endpoint = http://127.0.0.1:{silent.getsockname()[1]}\n",
            env={"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"})
        site = Site(db, server, url)
        trace = load("trace-ready.json")
        trace["jobs"][2]["outputs"] = [{
            "name": "x.png", "attempt": 2, "uri": "s3://b/x.png", "size": 1, "sha256": "0" * 64,
            "content_type": "image/png"}]
        site.put(trace["trace_id"], trace)
        crowd = []
        for _ in range(30):
            s = socket.create_connection(("127.0.0.1", urlsplit(url).port), timeout=20)
            s.sendall(f"GET /t/{trace['trace_id']}/preview/2/x.png HTTP/1.1\r\nHost: localhost\r\n"
                      "\r\n".encode())
            crowd.append(s)
        # All fetch threads are in the store, more wait, and who is too many hears so.
        busy = []
        wait_until(lambda: busy.extend(select.select(crowd, [], [], 0)[0]) or busy, 10, "full")
        reply = busy[0].recv(4096)
        assert reply.startswith(b"HTTP/1.1 503") and b"Retry-After: " in reply
        for path in ("/livez", "/readyz", "/metrics", f"/t/{trace['trace_id']}"):
            began = time.monotonic()
            assert site.get(path)[0] == 200, path
            assert time.monotonic() - began < 2 * SLOW, path
        assert server.term(15) == 0
        for s in crowd:
            s.close()


def test_the_part_that_is_away_is_named(site, files):
    base = put_result(files, site, "page-1.png", b"png", "image/png")
    (files / "results").rename(files / "elsewhere")
    status, body, headers = site.get(base + "page-1.png")
    assert status == 503 and b"The store does not answer" in body and headers["Retry-After"]


def test_metrics(site):
    status, body, headers = site.get("/metrics")
    text = body.decode()
    assert status == 200 and headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert 'millrace_jobs{kind="preview",state="queued"} 12\n' in text
    assert 'millrace_jobs{kind="exif",state="retrying"} 0\n' in text
    assert "millrace_database_up 1\n" in text and "process_resident_memory_bytes" in text
    assert "millrace_jobs" not in http("GET", site.server.probe + "/metrics")[1].decode()


def test_a_password(processes, db, tmp_path):
    secret = tmp_path / "password"
    secret.write_text("s3cret:ö\n")
    server, url = serve(processes, db, "--password-file", secret)

    def status(given):
        headers = {"Authorization": "Basic " + base64.b64encode(given).decode()} if given else {}
        return http("GET", url + "/queues", headers=headers)[0]

    assert status(None) == 401
    assert status(b"anyone:wrong") == 401 and status(b"s3cret") == 401
    assert status("anyone:s3cret:ö".encode()) == 200
    assert http("GET", url + "/metrics")[0] == 401
    assert http("GET", url + "/livez")[0] == 200 and http("GET", url + "/readyz")[0] == 200
    assert "Basic" in http("GET", url + "/")[2]["WWW-Authenticate"]


def test_beyond_this_machine_it_wants_a_password(processes, db):
    p = processes("serve", "--listen", "0.0.0.0:0", "--database-url", db.url("reader"),
                  ready=False, probe=False)
    assert p.process.wait(20) == 1
    assert "--allow-anonymous-read" in p.tail()


def test_a_foreign_name_is_refused(site):
    assert site.get("/queues", headers={"Host": "evil.example"})[0] == 403
    assert site.get("/queues", headers={"Host": "localhost:8471"})[0] == 200
    assert site.get("/livez", headers={"Host": "10.0.0.7:8471"})[0] == 200


def test_the_database_goes_and_comes_back(processes, own_cluster):
    db = own_cluster.new_database()
    server, url = serve(processes, db)
    assert http("GET", url + "/")[0] == 200
    own_cluster.stop()
    status, body, headers = http("GET", url + "/")
    assert status == 503 and b"The database does not answer" in body
    assert headers["Retry-After"]
    status, body, _ = http("GET", url + "/api/v1/queues")
    assert status == 503 and json.loads(body)["error"]["code"] == "database_away"
    assert "millrace_database_up 0" in http("GET", url + "/metrics")[1].decode()
    assert http("GET", url + "/livez")[0] == 200
    wait_until(lambda: http("GET", url + "/readyz")[0] == 503, 10, "not ready")
    own_cluster.start()
    wait_until(lambda: http("GET", url + "/")[0] == 200, 15, "pages are back")
    wait_until(lambda: http("GET", url + "/readyz")[0] == 200, 10, "ready again")


def test_the_real_functions_fit(processes, db):
    """Nothing faked: an empty database, then an expected upload."""
    server, url = serve(processes, db)
    assert b"No upload has arrived yet." in http("GET", url + "/")[1]
    for path in ("/queues", "/dead", "/workers"):
        assert http("GET", url + path)[0] == 200
    db.query("select millrace.expect_upload('01999999-9999-7999-8999-999999999999', 's3', 'b', "
             "'k/x.pdf')")
    status, body, _ = http("GET", url + "/t/01999999-9999-7999-8999-999999999999")
    assert status == 200 and b"It is announced" in body and b"x.pdf" in body


def test_many_at_once(site):
    """More readers than connections: each gets an answer of its own."""
    def read(i):
        name = ("ready", "failed", "running", "rejected")[i % 4]
        status, body, _ = site.get(f"/api/v1/traces/{trace_id(name)}")
        return status == 200 and json.loads(body)["trace_id"] == trace_id(name)

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(read, range(320)))
    used = site.db.one("select count(*) from pg_stat_activity where datname = current_database() "
                       "and application_name = 'millrace serve'")
    assert used <= 4


def test_it_stops_at_once_and_stays_small(site):
    for _ in range(50):
        assert site.get(f"/t/{trace_id('ready')}")[0] == 200
    with open(f"/proc/{site.server.pid}/status") as f:
        rss_kb = next(int(line.split()[1]) for line in f if line.startswith("VmRSS"))
    if not SANITIZER:
        assert rss_kb < 30 * 1024
    site.server.process.terminate()
    assert site.server.process.wait(10) == 0
