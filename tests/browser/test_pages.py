"""The pages in a real browser: with and without JavaScript, light and dark, wide and narrow."""
from urllib.parse import quote

import pytest

from conftest import axe_script, load, trace_id
from procs import wait_until

PAGES = {
    "home": "/", "queues": "/queues", "dead": "/dead", "workers": "/workers",
    "search": "/search?q=invoices", "missing": "/t/nonsense",
    **{name: f"/t/{trace_id(name)}" for name in ("ready", "failed", "running", "rejected",
                                                 "hostile")},
}
EXECUTED = "document.title === 'pwned' || window.pwned === true"


@pytest.mark.parametrize("page", PAGES)
def test_looks(site, chrome, shots, page):
    """Accessible, no side scroll, nothing asked of anybody else, in every form that people see."""
    axe = axe_script()
    for scheme in ("light", "dark"):
        for width in (1280, 390):
            chrome.scheme(scheme)
            chrome.size(width)
            chrome.driver.get(site.url + PAGES[page])
            assert chrome.run("return document.documentElement.scrollWidth") <= width
            chrome.run(axe)
            found = chrome.driver.execute_async_script(
                "const done = arguments[0]; axe.run({resultTypes: ['violations']}).then("
                "r => done(r.violations.map(v => v.id + ': ' + v.nodes.map(n => n.html + ' '"
                " + n.failureSummary).join(' | '))));")
            assert found == [], f"{scheme} {width}"
            chrome.shot(shots / f"{page}-{scheme}-{width}.png")
    assert foreign(chrome.requests(), site) == []


def foreign(urls, site):
    """Those that went to anybody but the site."""
    return [u for u in urls if not u.startswith((site.url + "/", "data:", "chrome:"))]


# What has broken pages before: tags, handlers, broken quotes, entities, other contexts.
XSS = [
    "<script>window.pwned=true;document.title='pwned'</script>",
    "\"><script>window.pwned=true</script>", "'><img src=x onerror=window.pwned=true>",
    "<svg/onload=window.pwned=true>", "<svg><script>window.pwned=true</script></svg>",
    "</title><script>window.pwned=true</script>", "</pre><script>window.pwned=true</script>",
    "</textarea><script>window.pwned=true</script>", "--><script>window.pwned=true</script>",
    "]]><script>window.pwned=true</script>", "javascript:window.pwned=true",
    "JaVaScRiPt:window.pwned=true//", "java\tscript:window.pwned=true", "data:text/html,<script>1",
    "\" onmouseover=\"window.pwned=true", "' onfocus='window.pwned=true' autofocus='",
    "\" autofocus onfocus=window.pwned=true x=\"", "<details open ontoggle=window.pwned=true>",
    "<iframe srcdoc='<script>parent.pwned=true</script>'>", "<body onload=window.pwned=true>",
    "<input autofocus onfocus=window.pwned=true>", "<video><source onerror=window.pwned=true>",
    "<math><mi xlink:href=javascript:window.pwned=true>", "<base href=//evil.example/>",
    "<meta http-equiv=refresh content='0;url=javascript:window.pwned=true'>",
    "<link rel=stylesheet href=//evil.example/x.css>", "<form action=javascript:window.pwned=true>",
    "&lt;script&gt;window.pwned=true&lt;/script&gt;", "&#x3c;script&#x3e;window.pwned=true",
    "\\u003cscript\\u003ewindow.pwned=true", "%3Cscript%3Ewindow.pwned=true%3C/script%3E",
    "+ADw-script+AD4-window.pwned=true+ADw-/script+AD4-", "<scr<script>ipt>window.pwned=true",
    "<img src=`x` onerror=window.pwned=true>", "<a href=\"#\" onclick=\"window.pwned=true\">",
    "{{constructor.constructor('window.pwned=true')()}}", "${window.pwned=true}",
    "<style>@import '//evil.example/x.css'</style>", "url(javascript:window.pwned=true)",
    "</noscript><script>window.pwned=true</script>", "<!--<img src=\"--><script>window.pwned=true",
    "\u202e<script>window.pwned=true</script>", "\u2028window.pwned=true//", "\x00\x1b]8;;//evil",
    "<use href='data:image/svg+xml,<svg onload=window.pwned=true>'>",
    "<object data=javascript:window.pwned=true>", "<embed src=javascript:window.pwned=true>",
    "<marquee onstart=window.pwned=true>", "<template><script>window.pwned=true</script></template>",
    "<img src=x:x onerror\x0b=window.pwned=true>",
]
FIELDS = ("key", "error", "tail", "step", "name")


def hostile(i, payload):
    payload = payload.replace("\x00", "")
    trace = load("trace-hostile.json")
    trace["trace_id"] = tid = f"trace_01KAJ75T7Z9N3E8QWC2GRM{i:04d}"
    trace["upload"].update(key=payload, bucket=payload, reason=payload, detail=payload,
                           etag=payload, rule=payload, content_type=payload,
                           state=payload if i % 2 else "failed")
    job = trace["jobs"][0]
    job.update(step=payload, kind=payload, state="failed", reason=payload, after=[payload],
               result={payload: payload})
    job["attempts"][0].update(error=payload, tail=payload, worker=payload, error_class=payload,
                              stage=payload, outcome=payload, started_at=payload)
    job["outputs"][0].update(name=payload, sha256=payload, content_type="image/png", size=1)
    return tid, trace


def test_no_text_of_others_is_ever_run(site, chrome):
    chrome.size(1280)
    shown = 0
    for i, payload in enumerate(XSS):
        tid, trace = hostile(i, payload)
        site.put(tid, trace)
        chrome.driver.get(f"{site.url}/t/{tid}")
        chrome.run("document.querySelectorAll('details').forEach(d => d.open = true);"
                   "document.querySelectorAll('*').forEach(e => {"
                   "e.dispatchEvent(new Event('mouseover')); e.dispatchEvent(new Event('focus'))});")
        assert not chrome.run(f"return {EXECUTED}"), payload
        assert chrome.run("return document.scripts.length") == 1, payload
        assert chrome.run("return document.querySelectorAll('iframe,object,embed,base,style,form"
                          ":not(.search),[onerror],[onload],[onfocus],[onclick]').length") == 0
        shown += len(FIELDS)
    assert shown >= 200
    for payload in XSS:
        chrome.driver.get(f"{site.url}/search?q={quote(payload)}")
        assert not chrome.run(f"return {EXECUTED}"), payload
    assert foreign(chrome.requests(), site) == []


def test_direction_and_control_characters_are_seen(site, chrome):
    chrome.driver.get(f"{site.url}/t/{trace_id('hostile')}")
    text = chrome.run("return document.body.textContent")
    assert "\u202e" not in text and "\x1b" not in text
    assert "\\u202egpj.exe" in text and "\\x1b[2J" in text


def test_all_is_there_without_script(site, chrome_without_script):
    chrome = chrome_without_script
    chrome.driver.get(f"{site.url}/t/{trace_id('ready')}")
    text = chrome.evaluate("document.body.innerText")
    for part in ("Ready 1.8 s after it arrived.", "extract-text", "worker-5b8d-m4zt", "page-1.png",
                 trace_id("ready")):
        assert part in text
    assert chrome.evaluate("document.querySelector('.copier')") is None
    assert chrome.evaluate("document.querySelectorAll('svg.track rect').length") > 5


def test_pictures_are_seen_and_lost_ones_hidden(site, chrome):
    chrome.driver.get(f"{site.url}/t/{trace_id('ready')}")
    chrome.run("document.querySelectorAll('img').forEach(i => i.loading = 'eager')")
    state = ("return Array.from(document.querySelectorAll('.results img')).map(i => "
             "i.classList.contains('lost') ? 'lost' : i.naturalWidth)")
    wait_until(lambda: chrome.run(state) == [210, 210, "lost", "lost", "lost"], 10, "pictures",
               also=lambda: str(chrome.run(state)))


def test_it_follows_without_script(site, chrome_without_script):
    chrome = chrome_without_script
    tid = trace_id("running")
    chrome.driver.get(f"{site.url}/t/{tid}")
    assert "Not ready yet" in chrome.evaluate("document.body.innerText")
    finish(site, tid)
    wait_until(lambda: "Ready" in (chrome.evaluate("document.querySelector('.lead')?.innerText")
                                   or ""), 10, "the page reloads itself")


def finish(site, tid):
    trace = load("trace-running.json")
    trace["upload"].update(state="ready", finished_at="2026-11-21T11:48:09.000000Z")
    site.put(tid, trace)


def test_it_follows_with_script_and_then_rests(site, chrome):
    tid = trace_id("running")
    chrome.driver.get(f"{site.url}/t/{tid}")
    chrome.run("document.querySelector('details').open = true; window.same = true;")
    finish(site, tid)
    wait_until(lambda: "Ready" in chrome.run("return document.querySelector('.lead').innerText"),
               10, "the page changes by itself")
    assert chrome.run("return window.same"), "it was reloaded, not refreshed"
    assert chrome.run("return document.querySelector('details').open"), "what was open stays open"
    assert chrome.run("return document.querySelector('main').dataset.live") is None


def test_a_hidden_tab_asks_nothing(site, chrome):
    chrome.driver.get(f"{site.url}/t/{trace_id('running')}")
    chrome.run("Object.defineProperty(document, 'hidden', {get: () => window.hide, configurable:"
               " true}); window.hide = true; window.asked = 0; const f = window.fetch;"
               "window.fetch = (...a) => { window.asked++; return f(...a); };"
               "document.dispatchEvent(new Event('visibilitychange'));")
    chrome.driver.set_script_timeout(30)
    asked = chrome.driver.execute_async_script(
        "const done = arguments[0]; setTimeout(() => done(window.asked), 4000);")
    assert asked == 0
    chrome.run("window.hide = false; document.dispatchEvent(new Event('visibilitychange'));")
    wait_until(lambda: chrome.run("return window.asked") >= 1, 5, "it asks again when seen")


def test_the_console_is_quiet(site, chrome):
    for page in ("home", "ready", "running"):
        chrome.driver.get(site.url + PAGES[page])
    # The fixture's pictures are not in the store.
    assert [c for c in chrome.complaints() if "404" not in c and "500" not in c] == []
