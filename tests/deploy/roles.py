"""roles.py IMAGE -- runs each role of k8s/base as its manifest says: arguments, environment, mounts, user, no writable
root. Each must get ready against a real database and end a stop with exit code 0. PGHOST is the server's socket folder."""
import os
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

from manifests import name, of_kind, pod, render  # noqa: E402
from procs import wait_until  # noqa: E402

IMAGE = sys.argv[1]
SECRETS = {
    "millrace-sources": {"s3": "bearer-secret"},
    "millrace-s3": {"access_key": "AKIDEXAMPLE", "secret_key": "secret"},
    "millrace-pages": {"password": "password"},
}
LOGIN = {"owner": "postgres"}


def podman(*args, check=True):
    out = subprocess.run(["podman", *map(str, args)], capture_output=True, text=True, timeout=120)
    if check and out.returncode:
        raise SystemExit(f"podman {' '.join(map(str, args))}: {out.stderr.strip()}")
    return out


def secret(which):
    """The content of a Secret; those of databases as k8s/README.md describes them."""
    if which in SECRETS:
        return SECRETS[which]
    component = which.removeprefix("millrace-db-")
    user = LOGIN.get(component, f"pod_{component}")
    return {"pg_service.conf": f"[millrace]\nhost=/run/postgresql\nport={os.environ['PGPORT']}\n"
                               f"dbname=postgres\nuser={user}\n"}


def write_volume(folder, files, mode):
    """As the kubelet does with fsGroup: root's, readable by the group."""
    folder.mkdir(parents=True)
    os.chown(folder, 0, 65532)
    folder.chmod(0o750)
    for file, text in files.items():
        (folder / file).write_text(text)
        os.chown(folder / file, 0, 65532)
        (folder / file).chmod(mode)


def mounts(document, documents, folder):
    sources = {}
    for v in pod(document)["volumes"]:
        path = folder / v["name"]
        if "configMap" in v:
            (config,) = [d for d in of_kind(documents, "ConfigMap") if name(d) == v["configMap"]["name"]]
            write_volume(path, config["data"], 0o640)
        elif "secret" in v:
            write_volume(path, secret(v["secret"]["secretName"]), v["secret"]["defaultMode"])
        sources[v["name"]] = path if "emptyDir" not in v else None
    (container,) = pod(document)["containers"]
    for m in container["volumeMounts"]:
        if sources[m["name"]]:
            yield f"--volume={sources[m['name']]}:{m['mountPath']}:ro"
        else:
            yield f"--mount=type=tmpfs,destination={m['mountPath']},tmpfs-mode=1777"


def environment(document):
    (container,) = pod(document)["containers"]
    labels = document["spec"]["template"]["metadata"]["labels"]
    for e in container["env"]:
        value = e.get("value")
        if value is None:
            path = e["valueFrom"]["fieldRef"]["fieldPath"]
            value = f"{name(document)}-0" if path == "metadata.name" else labels[path.split("'")[1]]
        yield f"--env={e['name']}={value}"


def start(document, documents, folder):
    (container,) = pod(document)["containers"]
    security = pod(document)["securityContext"]
    assert container["securityContext"]["readOnlyRootFilesystem"]
    podman("run", "--detach", f"--name={name(document)}", "--network=none", "--read-only", "--read-only-tmpfs=false",
           "--cap-drop=ALL", "--security-opt=no-new-privileges",
           f"--user={security['runAsUser']}:{security['runAsGroup']}", f"--volume={os.environ['PGHOST']}:/run/postgresql",
           *environment(document), *mounts(document, documents, folder), IMAGE, *container["args"])


def status(document, path):
    """The status line of a probe, asked inside the pod's network."""
    script = f'exec 3<>/dev/tcp/127.0.0.1/8480 && printf "GET {path} HTTP/1.0\\r\\n\\r\\n" >&3 && head -n 1 <&3'
    out = podman("exec", name(document), "/bin/bash", "-c", script, check=False)
    return " 200 " in out.stdout


def logs(document):
    out = podman("logs", name(document), check=False)
    return out.stdout[-3000:] + out.stderr[-3000:]


def finish(document):
    podman("stop", f"--time={pod(document).get('terminationGracePeriodSeconds', 30)}", name(document))
    code = podman("inspect", "--format={{.State.ExitCode}}", name(document)).stdout.strip()
    if code != "0":
        raise SystemExit(f"{name(document)}: exit code {code} after a stop\n{logs(document)}")


def run(document, documents, folder):
    try:
        start(document, documents, folder)
        if document["kind"] == "Job":
            if podman("wait", name(document)).stdout.strip() != "0":
                raise SystemExit(f"{name(document)} failed\n{logs(document)}")
        else:
            for path in ["/livez", "/readyz"]:
                wait_until(lambda p=path: status(document, p), 30, f"{name(document)} {path}", lambda: logs(document))
            finish(document)
    finally:
        podman("rm", "--force", name(document), check=False)
    print(f"{name(document)}: ok", flush=True)


def main():
    documents = render("k8s/base")
    os.chmod(os.environ["PGHOST"], 0o711)
    with tempfile.TemporaryDirectory(prefix="mr-roles-") as folder:
        folder = pathlib.Path(folder)
        folder.chmod(0o755)
        (job,) = of_kind(documents, "Job")
        run(job, documents, folder / "migrate")
        for component in ["receiver", "router", "worker", "keeper", "reader"]:
            subprocess.run(["psql", "-qXc", f"select millrace.create_login('pod_{component}', '{component}')"],
                           check=True, stdout=subprocess.DEVNULL)
        for d in of_kind(documents, "Deployment"):
            run(d, documents, folder / name(d))


main()
