"""The request signer against AWS's own cases and against botocore."""
import json
import os
import random
import urllib.parse
from pathlib import Path

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import pytest

from procs import REPO
from store import Store

SAMPLES = Path(os.environ.get("SHARED", REPO.parent / "shared")) / "samples/sigv4/cases.json"
OWN = REPO / "tests/fixtures/sigv4/cases.json"
EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@pytest.fixture(scope="module")
def store():
    s = Store()
    yield s
    s.close()


def read_request(text):
    """(method, path, query pairs, header pairs) of a request as the cases write it."""
    head = text.partition("\n\n")[0].split("\n")
    method, target = head[0].removesuffix(" HTTP/1.1").split(" ", 1)
    path, _, query = target.partition("?")
    headers = []
    for line in head[1:]:
        if line[:1] in (" ", "\t"):
            headers[-1][1] += " " + line
        elif line:
            name, _, value = line.partition(":")
            headers.append([name, value])
    return method, path, [list(p) for p in urllib.parse.parse_qsl(query, True)], headers


def aws_cases():
    """S3 takes a path as it is, so of the cases with a normalised one only those count whose path is
    normal as it stands."""
    if not SAMPLES.exists():
        return []
    cases = json.loads(SAMPLES.read_text())
    for case in cases:
        # The client adds the token after it has signed; then the signer never sees it.
        if case["context"].get("omit_session_token"):
            del case["context"]["credentials"]["token"]
    return [c for c in cases if not c["context"]["normalize"] or "normalized" not in c["name"]]


def sign(store, case, headers, time):
    context = case["context"]
    method, path, query, _ = read_request(case["request"])
    return store.ok("sign", method=method, path=urllib.parse.quote(path, safe="/-_.~"), query=query,
                    headers=headers, payload=case["header_canonical_request"].rsplit("\n", 1)[1],
                    access_key=context["credentials"]["access_key_id"],
                    secret_key=context["credentials"]["secret_access_key"],
                    token=context["credentials"].get("token"), region=context["region"],
                    service=context["service"], time=time, expires=context["expiration_in_seconds"])


@pytest.mark.parametrize("case", [pytest.param(c, id=c["name"]) for c in aws_cases()])
def test_aws_case(store, case):
    time = case["context"]["timestamp"].replace("-", "").replace(":", "")
    headers = read_request(case["request"])[3]
    added = [["X-Amz-Date", time]]
    if "token" in case["context"]["credentials"]:
        added.append(["X-Amz-Security-Token", case["context"]["credentials"]["token"]])
    if case["context"]["sign_body"]:
        added.append(["x-amz-content-sha256", case["header_canonical_request"].rsplit("\n", 1)[1]])
    got = sign(store, case, headers + added, time)
    assert got["canonical"] == case["header_canonical_request"]
    assert got["authorization"].endswith(f"Signature={case['header_signature']}")
    assert got["authorization"] in case["header_signed_request"]
    presigned = sign(store, case, headers, time)["presigned"]
    assert presigned.endswith(f"X-Amz-Signature={case['query_signature']}")


@pytest.mark.parametrize("case", [pytest.param(c, id=c["name"]) for c in json.loads(OWN.read_text())])
def test_own_case(store, case):
    got = store.ok("sign", **case["request"])
    assert got["canonical"] == "\n".join(case["canonical"])
    assert got["authorization"] == case["authorization"]
    assert got["presigned"].rsplit("=", 1)[1] == case["query_signature"]


NASTY = ["a", "ä", "€", "😀", " ", "  ", "+", "%", "%2F", "=", "&", "?", "#", "/", "//", "..", "~", "'", '"', "\n",
         "\x7f", "*", "(", "!", ":", ";", ",", "@", "\\", "<", "A", "0", "-", "_"]


def oracle(method, url, headers, payload, token):
    """What botocore's S3 signer makes of the same request."""
    request = botocore.awsrequest.AWSRequest(method=method, url=url, headers=dict(headers))
    request.context["timestamp"] = dict(headers)["X-Amz-Date"]
    credentials = botocore.credentials.Credentials("AKIDEXAMPLE", "secret/key+1", token)
    auth = botocore.auth.S3SigV4Auth(credentials, "s3", "eu-west-3")
    auth.payload = lambda _: payload
    canonical = auth.canonical_request(request)
    return canonical, auth.signature(auth.string_to_sign(request, canonical), request)


@pytest.mark.parametrize("seed", range(200))
def test_agrees_with_botocore(store, seed):
    r = random.Random(seed)

    def nasty(most):
        return "".join(r.choice(NASTY) for _ in range(r.randint(1, most)))

    token = "tok/en+==" if seed % 3 == 0 else None
    path = urllib.parse.quote("/bucket/" + nasty(12), safe="/-_.~")
    query = sorted({nasty(4): nasty(4) if r.random() < 0.8 else "" for _ in range(r.randint(0, 4))}.items())
    headers = [["Host", "s3.example.com:9000" if seed % 2 else "s3.example.com"],
               ["X-Amz-Date", "20260102T030405Z"], ["x-amz-content-sha256", EMPTY],
               ["x-amz-meta-trace", "a"], ["x-amz-meta-trace-id", "trace_01J8"],
               ["Content-Type", "text/plain;  charset=utf-8"], ["Range", "bytes=0-9"]]
    if token:
        headers.append(["X-Amz-Security-Token", token])
    r.shuffle(headers)
    method = r.choice(["GET", "PUT", "HEAD", "DELETE", "POST"])
    encoded = "&".join(f"{urllib.parse.quote(n, safe='-_.~')}={urllib.parse.quote(v, safe='-_.~')}"
                       for n, v in query)
    host = dict(headers)["Host"]
    canonical, signature = oracle(method, f"http://{host}{path}" + (f"?{encoded}" if encoded else ""),
                                  headers, EMPTY, token)
    got = store.ok("sign", method=method, path=path, query=[list(q) for q in query], headers=headers,
                   payload=EMPTY, access_key="AKIDEXAMPLE", secret_key="secret/key+1", token=token,
                   region="eu-west-3", service="s3", time="20260102T030405Z")
    assert got["canonical"] == canonical
    assert got["authorization"].endswith(f"Signature={signature}")
