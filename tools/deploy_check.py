"""Check deploy/ against the published schemas: `make deploycheck`.

Builds each overlay with kustomize and holds every object against the schema that Kubernetes
publishes for its kind, ScaledObjects against the one in KEDA's definition. Unknown keys are errors
too. It also breaks one object of each kind on purpose: a check that lets that pass is none.

What it needs and does not find it installs, of the versions below: `kubernetes-validate` (it
carries the schemas) into .venv-deploy, kustomize and KEDA's definitions with Go. No cluster is
asked.
"""

from __future__ import annotations

import copy
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
VENV = ROOT / ".venv-deploy"
VALIDATE = "kubernetes-validate==1.37.0"
KUBERNETES = ("1.31", "1.34")
KUSTOMIZE = "sigs.k8s.io/kustomize/kustomize/v5@v5.5.0"
KEDA = "github.com/kedacore/keda/v2@v2.17.2"

Object = dict[str, Any]
Check = Callable[[Object], list[str]]


def main() -> int:
    """Check all overlays and return the exit status."""
    if Path(sys.prefix) != VENV:
        return _again_with_the_schemas()
    kustomize, keda = _kustomize(), _keda_check()
    wrong = 0
    for overlay in sorted((ROOT / "deploy" / "overlays").iterdir()):
        for version in KUBERNETES:
            found = list(_of_overlay(kustomize, overlay, _kubernetes_check(version), keda))
            for line in found:
                print(f"{overlay.name}, Kubernetes {version}: {line}", file=sys.stderr)
            wrong += len(found)
    return 1 if wrong else 0


def _again_with_the_schemas() -> int:
    python = VENV / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=True)
    install = [str(python), "-m", "pip", "install", "--quiet", VALIDATE]
    subprocess.run(install, check=True)
    return subprocess.run([str(python), __file__], check=False).returncode


def _of_overlay(kustomize: list[str], overlay: Path, built_in: Check, keda: Check) -> Iterator[str]:
    import yaml

    built = subprocess.run([*kustomize, str(overlay)], check=True, capture_output=True, text=True)
    objects = [one for one in yaml.safe_load_all(built.stdout) if one]
    seen: set[str] = set()
    for one in objects:
        check = keda if one["apiVersion"].startswith("keda.sh/") else built_in
        name = f"{one['kind']} {one['metadata']['name']}"
        yield from (f"{name}: {line}" for line in check(one))
        if one["kind"] not in seen:
            seen.add(one["kind"])
            if not check(_broken(one)):
                yield f"{name}: a key that does not exist was let pass"
    print(f"{overlay.name}: {len(objects)} objects of {len(seen)} kinds")


def _broken(one: Object) -> Object:
    """Return a copy with a key that no schema knows: in its first container, or its spec."""
    broken = copy.deepcopy(one)
    spec: Object = broken["spec"] if "spec" in broken else broken["metadata"]
    pod: Object = spec["template"]["spec"] if "template" in spec else {}
    (pod["containers"][0] if pod else spec)["mistyped"] = 1
    return broken


def _kubernetes_check(version: str) -> Check:
    import kubernetes_validate

    def check(one: Object) -> list[str]:
        try:
            kubernetes_validate.validate(one, version, strict=True)
        except kubernetes_validate.ValidationError as error:
            return [f"{'.'.join(map(str, error.path))}: {error.message}"]
        return []

    return check


def _keda_check() -> Check:
    import jsonschema
    import yaml

    told = subprocess.run(
        ["go", "mod", "download", "-json", KEDA], check=True, capture_output=True, text=True
    )
    bases = Path(json.loads(told.stdout)["Dir"]) / "config" / "crd" / "bases"
    definition = yaml.safe_load((bases / "keda.sh_scaledobjects.yaml").read_text("utf-8"))
    schema = _closed(definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"])
    schema["properties"]["metadata"] = {"type": "object"}
    validator = jsonschema.Draft7Validator(schema)

    def check(one: Object) -> list[str]:
        return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(one)]

    return check


def _closed(schema: Any) -> Any:
    """Return the schema with unknown keys refused, as a server does that is asked to be strict."""
    if isinstance(schema, list):
        return [_closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: _closed(value) for key, value in schema.items()}
    lets_pass = schema.get("x-kubernetes-preserve-unknown-fields", False)
    if isinstance(schema.get("properties"), dict) and not lets_pass:
        closed.setdefault("additionalProperties", False)
    return closed


def _kustomize() -> list[str]:
    if shutil.which("kustomize"):
        return ["kustomize", "build"]
    if shutil.which("kubectl"):
        return ["kubectl", "kustomize"]
    here = VENV / "bin"
    if not (here / "kustomize").exists():
        environ = os.environ | {"GOBIN": str(here)}
        subprocess.run(["go", "install", KUSTOMIZE], check=True, env=environ)
    return [str(here / "kustomize"), "build"]


if __name__ == "__main__":
    sys.exit(main())
