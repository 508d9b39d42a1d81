"""manifests.py -- k8s/ as Python objects: rendered by kubectl, and checked against the published types."""
import filecmp
import json
import os
import pathlib
import shutil
import subprocess

import yaml

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("O", TOP / "build")) / "deploy"
FOLDERS = ["k8s/base", "k8s/overlays/keda", "k8s/overlays/hpa"]
KINDS = sorted(p.name for p in (TOP / "k8s/base/kinds").iterdir())
TYPES = {
    "ServiceAccount": "kubernetes-models/v1",
    "ConfigMap": "kubernetes-models/v1",
    "Service": "kubernetes-models/v1",
    "Deployment": "kubernetes-models/apps/v1",
    "Job": "kubernetes-models/batch/v1",
    "PodDisruptionBudget": "kubernetes-models/policy/v1",
    "NetworkPolicy": "kubernetes-models/networking.k8s.io/v1",
    "HorizontalPodAutoscaler": "kubernetes-models/autoscaling/v2",
    "ScaledObject": "@kubernetes-models/keda/keda.sh/v1alpha1",
    "TriggerAuthentication": "@kubernetes-models/keda/keda.sh/v1alpha1",
}


def render(folder):
    """The documents of a kustomization."""
    out = subprocess.run(
        ["kubectl", "kustomize", str(TOP / folder)], check=True, capture_output=True, text=True, timeout=60
    )
    return list(yaml.safe_load_all(out.stdout))


def of_kind(documents, kind):
    return [d for d in documents if d["kind"] == kind]


def name(document):
    return document["metadata"]["name"]


def pod(document):
    return document["spec"]["template"]["spec"]


def selects(selector, labels):
    """Whether a selector made of matchLabels matches."""
    return all(labels.get(k) == v for k, v in selector.get("matchLabels", {}).items())


def types_folder():
    """A folder with the types installed; made once per lock file."""
    source = TOP / "tests/deploy/types"
    folder = BUILD / "types"
    done = folder / "installed.json"
    if not done.exists() or not filecmp.cmp(source / "package-lock.json", done, shallow=False):
        folder.mkdir(parents=True, exist_ok=True)
        for file in ["package.json", "package-lock.json", ".npmrc"]:
            shutil.copy(source / file, folder / file)
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=folder, check=True, timeout=300)
        shutil.copy(source / "package-lock.json", done)
    return folder


def type_errors(documents):
    """What the TypeScript compiler says of the documents, each written as a literal of its published type."""
    folder = types_folder()
    lines = []
    for n, d in enumerate(documents):
        kind = d["kind"]
        lines.append(f'import type {{ I{kind} as T{n} }} from "{TYPES[kind]}/{kind}";')
    for n, d in enumerate(documents):
        lines.append(f"export const d{n}: T{n} = {json.dumps(d, indent=1)};")
    (folder / "manifests.ts").write_text("\n".join(lines))
    out = subprocess.run(
        ["node_modules/.bin/tsc", "--noEmit", "--strict", "--skipLibCheck", "--target", "es2022", "--module",
         "nodenext", "--moduleResolution", "nodenext", "manifests.ts"],
        cwd=folder, capture_output=True, text=True, timeout=120,
    )
    return out.stdout + out.stderr if out.returncode else ""
