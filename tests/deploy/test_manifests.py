"""test_manifests.py -- k8s/ renders, has the published types, and is what a careful platform engineer asks for."""
import copy
import json
import os
import re
import subprocess

import pytest

from manifests import FOLDERS, KINDS, TOP, name, of_kind, pod, render, selects, type_errors

MILLRACE = os.environ.get("MILLRACE_BIN", str(TOP / "build/millrace"))
ROLES = ["keep", "receive", "route", "serve"]


@pytest.fixture(scope="module", params=FOLDERS)
def documents(request):
    return render(request.param)


@pytest.fixture(scope="module")
def base():
    return render("k8s/base")


def workloads(documents):
    return of_kind(documents, "Deployment") + of_kind(documents, "Job")


def container(document):
    (only,) = pod(document)["containers"]
    return only


def flag(document, which):
    found = [a.split("=", 1)[1] for a in container(document)["args"] if a.startswith(f"--{which}=")]
    return found[0] if found else None


def seconds(text):
    assert re.fullmatch(r"\d+s", text), text
    return int(text[:-1])


def run(*args, **env):
    return subprocess.run(
        [MILLRACE, *args], capture_output=True, text=True, timeout=20, env={"PATH": os.environ["PATH"], **env}
    )


def test_types(documents):
    assert type_errors(documents) == ""


def test_types_catch_a_misspelt_field(base):
    broken = copy.deepcopy(base)
    deployment = of_kind(broken, "Deployment")[0]
    container(deployment)["livenesProbe"] = container(deployment).pop("livenessProbe")
    assert "livenesProbe" in type_errors(broken)


def test_every_role_and_kind_is_there(documents):
    names = sorted(name(d) for d in of_kind(documents, "Deployment"))
    assert names == sorted([f"millrace-{r}" for r in ROLES] + [f"millrace-work-{k}" for k in KINDS])
    assert [name(d) for d in of_kind(documents, "Job")] == ["millrace-migrate"]
    assert sorted(name(d) for d in of_kind(documents, "Service")) == ["millrace-receive", "millrace-serve"]


def test_neutral_to_namespaces_and_without_secrets(documents):
    assert not [d for d in documents if "namespace" in d["metadata"]]
    assert not of_kind(documents, "Secret")


def test_restricted(documents):
    for d in workloads(documents):
        spec = pod(d)
        assert spec["automountServiceAccountToken"] is False
        assert spec["enableServiceLinks"] is False, "the variables of Services would be unknown settings"
        security = spec["securityContext"]
        assert security["runAsNonRoot"] is True and security["runAsUser"] == 65532
        assert security["seccompProfile"] == {"type": "RuntimeDefault"}
        own = container(d)["securityContext"]
        assert own["readOnlyRootFilesystem"] is True and own["allowPrivilegeEscalation"] is False
        assert own["capabilities"] == {"drop": ["ALL"]}
        assert not {"hostNetwork", "hostPID", "hostIPC"} & spec.keys()
        for volume in spec["volumes"]:
            assert "hostPath" not in volume
            if "emptyDir" in volume:
                assert volume["emptyDir"]["sizeLimit"]


def test_resources(documents):
    for d in workloads(documents):
        resources = container(d)["resources"]
        assert {"cpu", "memory"} <= resources["requests"].keys()
        assert "memory" in resources["limits"]


def test_probes(documents):
    for d in of_kind(documents, "Deployment"):
        c = container(d)
        port = [p for p in c["ports"] if p["name"] == "probe"][0]["containerPort"]
        assert flag(d, "probe-listen") == f"0.0.0.0:{port}"
        assert c["livenessProbe"]["httpGet"] == {"path": "/livez", "port": "probe"}
        assert c["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "probe"}
        noticed = c["readinessProbe"]["periodSeconds"] * c["readinessProbe"]["failureThreshold"]
        assert noticed <= 10


def test_a_stop_ends_before_the_kill(documents):
    for d in of_kind(documents, "Deployment"):
        stop = container(d).get("lifecycle", {}).get("preStop", {}).get("exec", {}).get("command", ["", "0"])
        # Only a worker waits for what runs; the others need no more than a moment.
        grace = seconds(flag(d, "grace")) if container(d)["args"][0] == "work" else 10
        assert pod(d)["terminationGracePeriodSeconds"] >= int(stop[1]) + grace + 10


def test_what_has_a_service_drains_without_a_gap(documents):
    for service in of_kind(documents, "Service"):
        (d,) = [
            d for d in of_kind(documents, "Deployment")
            if selects({"matchLabels": service["spec"]["selector"]}, d["spec"]["template"]["metadata"]["labels"])
        ]
        assert d["spec"]["replicas"] >= 2
        assert d["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
        assert container(d)["lifecycle"]["preStop"]["exec"]["command"] == ["/bin/sleep", "8"]
        (http,) = [p["containerPort"] for p in container(d)["ports"] if p["name"] == "http"]
        assert flag(d, "listen") == f"0.0.0.0:{http}"


def test_budgets_and_selectors(documents):
    deployments = of_kind(documents, "Deployment")
    labels = {name(d): d["spec"]["template"]["metadata"]["labels"] for d in deployments}
    for thing in deployments + of_kind(documents, "PodDisruptionBudget"):
        assert [n for n in labels if selects(thing["spec"]["selector"], labels[n])] == [name(thing)]
    assert len(of_kind(documents, "PodDisruptionBudget")) == len(deployments)
    for d in deployments:
        (spread,) = pod(d)["topologySpreadConstraints"]
        assert selects(spread["labelSelector"], labels[name(d)])


def test_network(documents):
    policies = of_kind(documents, "NetworkPolicy")
    (deny,) = [p for p in policies if name(p) == "millrace-deny"]
    assert sorted(deny["spec"]["policyTypes"]) == ["Egress", "Ingress"]
    assert "ingress" not in deny["spec"] and "egress" not in deny["spec"]
    for d in workloads(documents):
        assert selects(deny["spec"]["podSelector"], d["spec"]["template"]["metadata"]["labels"])
    for p in policies:
        for rule in p["spec"].get("egress", []):
            for to in rule["to"]:
                if "ipBlock" in to:
                    assert "169.254.0.0/16" in to["ipBlock"]["except"], "the cloud's metadata address"


def secrets_of(document):
    return {v["secret"]["secretName"] for v in pod(document)["volumes"] if "secret" in v}


def test_least_privilege(base):
    want = {"receive": "receiver", "route": "router", "work": "worker", "keep": "keeper", "serve": "reader",
            "migrate": "owner"}
    for d in workloads(base):
        component = d["metadata"]["labels"]["app.kubernetes.io/component"]
        databases = {s for s in secrets_of(d) if s.startswith("millrace-db-")}
        assert databases == {f"millrace-db-{want[component]}"}
        assert ("millrace-s3" in secrets_of(d)) == (component in ("route", "work"))


def test_every_secret_is_documented(documents):
    readme = (TOP / "k8s/README.md").read_text()
    wanted = set().union(*(secrets_of(d) for d in workloads(documents)))
    for t in of_kind(documents, "TriggerAuthentication"):
        wanted |= {r["name"] for r in t["spec"]["secretTargetRef"]}
    assert [s for s in sorted(wanted) if f"`{s}`" not in readme] == []


def test_workers_serve_their_kind(base):
    for d in of_kind(base, "Deployment"):
        if d["metadata"]["labels"]["app.kubernetes.io/component"] != "work":
            continue
        labels = d["spec"]["template"]["metadata"]["labels"]
        assert name(d) == "millrace-work-" + labels["millrace/kind"]
        (kinds,) = [e for e in container(d)["env"] if e["name"] == "MILLRACE_KINDS"]
        assert kinds["valueFrom"]["fieldRef"]["fieldPath"] == "metadata.labels['millrace/kind']"


@pytest.mark.parametrize("overlay,kind", [("keda", "ScaledObject"), ("hpa", "HorizontalPodAutoscaler")])
def test_autoscalers(overlay, kind):
    documents = render(f"k8s/overlays/{overlay}")
    targets = {name(d): d for d in of_kind(documents, "Deployment")}
    scalers = of_kind(documents, kind)
    assert sorted(s["metadata"]["labels"]["millrace/kind"] for s in scalers) == KINDS
    for s in scalers:
        target = targets[s["spec"]["scaleTargetRef"]["name"]]
        served = target["metadata"]["labels"]["millrace/kind"]
        assert served == s["metadata"]["labels"]["millrace/kind"]
        assert "replicas" not in target["spec"], "two owners of one number"
        slots = int(flag(target, "slots"))
        if kind == "ScaledObject":
            (trigger,) = s["spec"]["triggers"]
            assert trigger["metadata"]["query"] == f"select millrace.scale_metric('{served}')"
            assert int(trigger["metadata"]["targetQueryValue"]) == 2 * slots
        else:
            (metric,) = s["spec"]["metrics"]
            assert metric["external"]["metric"]["selector"]["matchLabels"] == {"kind": served}
            assert int(metric["external"]["target"]["averageValue"]) == 2 * slots


def test_flags_exist(documents):
    for d in workloads(documents):
        role, *flags = container(d)["args"]
        out = run(role, "--help")
        assert out.returncode == 0, out.stderr
        for f in flags:
            assert re.search(rf"{re.escape(f.split('=')[0])}\b", out.stdout), f"millrace {role} has no {f}"


def test_configuration_and_pipeline(base):
    """One run reads both: the file of settings is checked by every command."""
    conf, pipeline = TOP / "k8s/base/millrace.conf", TOP / "k8s/base/pipeline.json"
    out = run("check", f"--config={conf}", str(pipeline))
    assert out.returncode == 0, out.stderr
    (shipped,) = of_kind(base, "ConfigMap")
    assert shipped["data"] == {"millrace.conf": conf.read_text(), "pipeline.json": pipeline.read_text()}


def test_a_wrong_configuration_is_refused(tmp_path):
    conf = tmp_path / "millrace.conf"
    conf.write_text("no-such-setting = 1\n" + (TOP / "k8s/base/millrace.conf").read_text())
    out = run("check", f"--config={conf}", str(TOP / "k8s/base/pipeline.json"))
    assert out.returncode == 2 and "millrace.conf:1:" in out.stderr


def test_the_variables_of_a_service_are_unknown_settings():
    """Why enableServiceLinks is off: if this ever passes by itself, it need not be."""
    out = run("check", str(TOP / "k8s/base/pipeline.json"), MILLRACE_RECEIVE_SERVICE_HOST="10.0.0.1")
    assert out.returncode == 2 and "MILLRACE_RECEIVE_SERVICE_HOST" in out.stderr


def test_the_pipeline_is_the_shipped_one_and_its_kinds_are_served():
    """A copy, because a kustomization reads no file outside its folder."""
    text = (TOP / "k8s/base/pipeline.json").read_text()
    assert text == (TOP / "deploy/pipeline.json").read_text()
    pipeline = json.loads(text)
    used = {job["kind"] for rule in pipeline["rules"] for job in rule["jobs"]}
    assert used == set(KINDS) == set(pipeline["kinds"])


def test_the_alerts_ask_for_figures_that_exist():
    source = "".join(p.read_text() for p in (TOP / "src").rglob("*.c"))
    for file in ["rules.yml", "adapter.yml"]:
        for metric in set(re.findall(r"\bmillrace_\w+", (TOP / "deploy/prometheus" / file).read_text())):
            assert metric in source or metric == "millrace_jobs_due_and_running", f"{file}: {metric}"
