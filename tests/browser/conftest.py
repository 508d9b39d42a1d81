"""A status server over a real database whose traces are fixtures, and a headless Chromium."""
import hashlib
import json
import shutil
import struct
import subprocess
import zlib
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

from procs import REPO, SLOW, free_port, http, wait_until

FIXTURES = REPO / "tests" / "fixtures" / "status"
TOOLS = REPO / "build" / "browser"

# The reader's functions answer from a table; all else is as it is in production.
FAKES = """
create table millrace.fixture (name text primary key, doc jsonb not null);
create or replace function millrace.trace_json(id text) returns jsonb language sql stable
    security definer set search_path = millrace, pg_temp
    as $$ select doc from millrace.fixture where name = split_part(trace_json.id, '/', 1) $$;
create or replace function millrace.queues_json() returns jsonb language sql stable
    security definer set search_path = millrace, pg_temp
    as $$ select doc from millrace.fixture where name = 'queues' $$;
create or replace function millrace.recent_json(max integer) returns jsonb language sql stable
    security definer set search_path = millrace, pg_temp
    as $$ select doc from millrace.fixture where name = 'recent' $$;
create or replace function millrace.workers_json() returns jsonb language sql stable
    security definer set search_path = millrace, pg_temp
    as $$ select doc from millrace.fixture where name = 'workers' $$;
create or replace function millrace.dead_json(kind text, max integer) returns jsonb language sql stable
    security definer set search_path = millrace, pg_temp
    as $$ select doc from millrace.fixture where name = 'dead' $$;
create or replace function millrace.search_json(q text) returns jsonb language sql stable
    security definer set search_path = millrace, pg_temp
    as $$ select jsonb_build_object('results', coalesce(jsonb_agg(jsonb_build_object(
        'trace_id', name, 'bucket', doc->'upload'->'bucket', 'key', doc->'upload'->'key',
        'state', doc->'upload'->'state', 'received_at', doc->'upload'->'received_at')), '[]'))
        from millrace.fixture where doc ? 'trace_id' and (name = q or doc->'upload'->>'bucket' = q) $$;
"""


class Site:
    """The server, and the table that it shows."""

    def __init__(self, db, server, url):
        self.db, self.server, self.url = db, server, url

    def put(self, name, doc):
        self.db.query("insert into millrace.fixture values (%s, %s) on conflict (name) do update "
                      "set doc = excluded.doc", name, json.dumps(doc))

    def get(self, path, method="GET", headers=None, body=None):
        return http(method, self.url + path, body, headers)


def load(name):
    return json.loads((FIXTURES / name).read_text())


def picture(width, height):
    """A PNG of something like a page of text."""
    rows = []
    for y in range(height):
        line = 24 <= y < height - 24 and y // 8 % 2 == 0
        rows.append(b"\0" + b"".join(
            b"\x90\x9a\xa0" if line and 20 <= x < width - 20 - y // 8 * 37 % 50
            else b"\xff\xff\xff" for x in range(width)))

    def chunk(kind, data):
        return (struct.pack(">I", len(data)) + kind + data
                + struct.pack(">I", zlib.crc32(kind + data)))

    return (b"\x89PNG\r\n\x1a\n"
            + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(b"".join(rows))) + chunk(b"IEND", b""))


def with_pictures(trace, root):
    """The trace, its pictures really in the store."""
    content = picture(210, 297)
    for job in trace["jobs"]:
        for output in job["outputs"]:
            if output["content_type"] == "image/png" and job["step"] != "thumbnail":
                path = (root / "results" / trace["trace_id"] / job["step"]
                        / str(output["attempt"]) / output["name"])
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
                output.update(uri=f"file://{path}", size=len(content),
                              sha256=hashlib.sha256(content).hexdigest())
    return trace


def serve(processes, db, *args, **kw):
    port = free_port()
    server = processes("serve", "--listen", f"127.0.0.1:{port}", "--database-url",
                       db.url("reader"), *args, **kw)
    return server, f"http://127.0.0.1:{port}"


@pytest.fixture
def files(tmp_path):
    """A folder store whose results bucket holds what the ready trace lists."""
    root = tmp_path / "srv"
    root.mkdir()
    return root


@pytest.fixture
def site(processes, db, files):
    db.query(FAKES)
    server, url = serve(processes, db, config=f"[store files]\nurl = file://{files}\n")
    s = Site(db, server, url)
    for name in ("ready", "failed", "running", "rejected", "hostile"):
        trace = with_pictures(load(f"trace-{name}.json"), files)
        s.put(trace["trace_id"], trace)
    for name, doc in load("lists.json").items():
        s.put(name, doc)
    return s


def trace_id(name):
    return load(f"trace-{name}.json")["trace_id"]


def axe_script():
    """axe-core, fetched once through npm; it is not in Debian."""
    script = TOOLS / "node_modules" / "axe-core" / "axe.min.js"
    if not script.exists():
        TOOLS.mkdir(parents=True, exist_ok=True)
        subprocess.run([shutil.which("npm"), "install", "--prefix", str(TOOLS), "--no-save",
                        "--no-audit", "--no-fund", "axe-core@4.10.3"],
                       check=True, timeout=120 * SLOW, stdin=subprocess.DEVNULL)
    return script.read_text()


class Browser:
    def __init__(self, javascript=True):
        options = webdriver.ChromeOptions()
        options.binary_location = "/usr/bin/chromium"
        for flag in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu",
                     "--hide-scrollbars", "--no-proxy-server", "--disable-background-networking",
                     "--disable-component-update", "--no-first-run"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        if not javascript:
            options.add_experimental_option(
                "prefs", {"profile.managed_default_content_settings.javascript": 2})
        self.driver = webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)

    def size(self, width, height=900):
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": False})

    def scheme(self, name):
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {
            "features": [{"name": "prefers-color-scheme", "value": name}]})

    def run(self, script):
        return self.driver.execute_script(script)

    def evaluate(self, expression):
        """Works with the page's own JavaScript off, too."""
        reply = self.driver.execute_cdp_cmd("Runtime.evaluate", {
            "expression": expression, "returnByValue": True, "awaitPromise": True})
        return reply["result"].get("value")

    def requests(self):
        """The URLs that were asked for since the last call."""
        urls = []
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                urls.append(message["params"]["request"]["url"])
        return urls

    def complaints(self):
        """What the console says that is worse than information."""
        return [e["message"] for e in self.driver.get_log("browser") if e["level"] == "SEVERE"]

    def shot(self, path):
        height = self.evaluate("document.documentElement.scrollHeight")
        width = self.evaluate("document.documentElement.clientWidth")
        self.size(width, min(height, 3000))
        self.driver.save_screenshot(str(path))


    def rest(self):
        """Leaves no timer of a page and no log behind."""
        self.driver.get("about:blank")
        self.requests()
        self.complaints()


@pytest.fixture(scope="session")
def one_chrome():
    b = Browser()
    yield b
    b.driver.quit()


@pytest.fixture(scope="session")
def one_chrome_without_script():
    b = Browser(javascript=False)
    yield b
    b.driver.quit()


@pytest.fixture
def chrome(one_chrome):
    one_chrome.rest()
    yield one_chrome
    one_chrome.rest()


@pytest.fixture
def chrome_without_script(one_chrome_without_script):
    one_chrome_without_script.rest()
    yield one_chrome_without_script
    one_chrome_without_script.rest()


@pytest.fixture(scope="session")
def shots():
    folder = Path(TOOLS) / "shots"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
