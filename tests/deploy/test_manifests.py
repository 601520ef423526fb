"""deploy/: what names what is there, what it may do is little, and Stormfold reads what it mounts.

Without a cluster, kustomize or network. `make deploycheck` holds the built overlays against the
schemas that Kubernetes and KEDA publish.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from streams import healthy
from streams.processes import StageName
from streams.settings import Settings, load
from streams.topic_names import names

ROOT = Path(__file__).resolve().parents[2]
BASE = ROOT / "deploy" / "base"
OVERLAYS = sorted((ROOT / "deploy" / "overlays").iterdir())
COMPONENT = "app.kubernetes.io/component"

Object = dict[str, Any]


def kustomization(folder: Path) -> Object:
    read: Object = yaml.safe_load((folder / "kustomization.yaml").read_text("utf-8"))
    return read


def objects_in(folder: Path) -> Iterator[Object]:
    """The objects of a folder's own files."""
    for name in kustomization(folder)["resources"]:
        if (folder / name).is_file():
            yield from yaml.safe_load_all((folder / name).read_text("utf-8"))


OBJECTS = list(objects_in(BASE))


def of_kind(*kinds: str) -> list[Object]:
    return [one for one in OBJECTS if one["kind"] in kinds]


def named(kind: str, name: str) -> Object:
    [found] = [one for one in of_kind(kind) if one["metadata"]["name"] == name]
    return found


PODS = {one["metadata"]["name"]: one["spec"]["template"] for one in of_kind("Deployment", "Job")}
CONTAINERS = {name: pod["spec"]["containers"][0] for name, pod in PODS.items()}


def settings_of(file: Path) -> Settings:
    """What a pod reads there, with the environment that it is given."""
    literals = {
        name: value
        for generator in kustomization(BASE)["configMapGenerator"]
        for name, _, value in (line.partition("=") for line in generator.get("literals", []))
    }
    return load(file, literals)


@pytest.mark.parametrize("folder", [BASE, *OVERLAYS], ids=lambda folder: folder.name)
def test_every_file_is_named_and_everything_named_is_there(folder: Path) -> None:
    read = kustomization(folder)
    generated = [file for one in read["configMapGenerator"] for file in one.get("files", [])]
    listed = {"kustomization.yaml", *read["resources"], *generated}
    assert all((folder / name).exists() for name in listed)
    assert {path.name for path in folder.iterdir()} <= listed


@pytest.mark.parametrize("overlay", OVERLAYS, ids=lambda folder: folder.name)
def test_an_overlay_patches_what_is_in_the_base(overlay: Path) -> None:
    read = kustomization(overlay)
    assert "../../base" in read["resources"]
    for patch in read["patches"]:
        target = patch["target"]
        matches = [
            one
            for one in of_kind(target["kind"])
            if re.fullmatch(target.get("name", ".*"), one["metadata"]["name"])
        ]
        assert matches
        told = yaml.safe_load(patch["patch"])
        for one in matches:
            for step in told if isinstance(told, list) else []:
                *way, last = step["path"].strip("/").split("/")
                place: Any = one
                for key in way:
                    place = place[int(key) if isinstance(place, list) else key]
                assert step["op"] == "add" or last in place
    [namespace] = [one for one in objects_in(overlay) if one["kind"] == "Namespace"]
    assert namespace["metadata"]["name"] == read["namespace"]
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


@pytest.mark.parametrize("name", PODS)
def test_a_pod_keeps_the_restricted_standard_with_a_root_that_is_read_only(name: str) -> None:
    pod, container = PODS[name]["spec"], CONTAINERS[name]
    assert len(pod["containers"]) == 1
    assert pod["automountServiceAccountToken"] is False
    assert pod["serviceAccountName"] == of_kind("ServiceAccount")[0]["metadata"]["name"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    user = f"{pod['securityContext']['runAsUser']}:{pod['securityContext']['runAsGroup']}"
    assert f"USER {user}\n" in (ROOT / "Dockerfile").read_text("utf-8")
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod)
    assert container["resources"]["limits"]["memory"]
    assert container["resources"]["requests"]["memory"]
    assert {mount["name"] for mount in container["volumeMounts"]} == {
        volume["name"] for volume in pod["volumes"]
    }
    writable = [one["mountPath"] for one in container["volumeMounts"] if not one.get("readOnly")]
    assert writable == ["/tmp"]


def test_secrets_stand_nowhere_and_are_read_from_files_of_one_that_is_named() -> None:
    assert not of_kind("Secret")
    for name, pod in PODS.items():
        named = [one["secret"]["secretName"] for one in pod["spec"]["volumes"] if "secret" in one]
        assert named == ["stormfold-secrets"]
        [mount] = [one for one in CONTAINERS[name]["volumeMounts"] if one["name"] == "secrets"]
        for file in (ROOT / "deploy").rglob("stormfold.yaml"):
            text = file.read_text("utf-8")
            held = re.findall(r'"file:([^"]+)/([a-z-]+)"', text)
            assert {folder for folder, _ in held} == {mount["mountPath"]}
            keys = re.findall(r"(?:secrets|token|routing_key): (.*)", text)
            assert len(keys) == len(held)


@pytest.mark.parametrize(
    "file", sorted((ROOT / "deploy").rglob("stormfold.yaml")), ids=lambda file: file.parent.name
)
def test_stormfold_reads_the_settings_and_listens_where_probes_ask(file: Path) -> None:
    settings = settings_of(file)
    assert (settings.intake.host, settings.metrics.host) == ("0.0.0.0", "0.0.0.0")
    assert settings.intake.port in healthy.PORTS.values()
    ports = {
        port["name"]: port["containerPort"]
        for container in CONTAINERS.values()
        for port in container.get("ports", [])
    }
    assert ports == {"http": settings.intake.port, "metrics": settings.metrics.port}


def test_config_maps_that_pods_read_are_made() -> None:
    made = {one["name"] for one in kustomization(BASE)["configMapGenerator"]}
    for name, pod in PODS.items():
        read = {one["configMapRef"]["name"] for one in CONTAINERS[name]["envFrom"]}
        read |= {one["configMap"]["name"] for one in pod["spec"]["volumes"] if "configMap" in one}
        assert read == made
        assert CONTAINERS[name]["image"] == kustomization(BASE)["images"][0]["name"]


def test_what_selects_pods_selects_those_of_one_deployment() -> None:
    labels = {name: pod["metadata"]["labels"] for name, pod in PODS.items()}
    assert len({one[COMPONENT] for one in labels.values()}) == len(PODS) == 3
    for one in of_kind("Deployment"):
        name = one["metadata"]["name"]
        assert one["spec"]["selector"]["matchLabels"] == labels[name]
        assert one["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
        service = named("Service", name)["spec"]
        assert service["selector"] == labels[name]
        [port] = service["ports"]
        assert port["targetPort"] in {port["name"] for port in CONTAINERS[name]["ports"]}
        budget = named("PodDisruptionBudget", name)["spec"]
        assert budget["selector"]["matchLabels"] == labels[name]
        assert budget["maxUnavailable"] == 1
        assert PODS[name]["spec"]["terminationGracePeriodSeconds"] >= 30


def test_who_is_not_ready_gets_no_work_and_only_a_dead_process_is_ended() -> None:
    worker, intake = CONTAINERS["stormfold-worker"], CONTAINERS["stormfold-intake"]
    assert worker["readinessProbe"]["exec"]["command"] == ["python", "-m", healthy.__name__]
    assert intake["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "http"}
    # A parked partition makes /healthz of a worker red, and a restart would stop the others too.
    assert worker["livenessProbe"]["httpGet"] == {"path": "/metrics", "port": "metrics"}
    assert intake["livenessProbe"]["httpGet"] == {"path": "/healthz", "port": "http"}
    assert all("startupProbe" in one for one in (worker, intake))


def test_workers_are_scaled_by_the_lag_of_fingerprint_up_to_its_partitions() -> None:
    [scaled] = of_kind("ScaledObject")
    settings = settings_of(BASE / "stormfold.yaml")
    assert scaled["spec"]["scaleTargetRef"]["name"] == "stormfold-worker"
    assert "replicas" not in named("Deployment", "stormfold-worker")["spec"]
    [trigger] = scaled["spec"]["triggers"]
    read = trigger["metadata"]
    assert trigger["type"] == "kafka"
    assert read["topic"] == names(settings.namespace).events
    assert read["consumerGroup"] == f"{settings.namespace}.{StageName.FINGERPRINT}"
    assert read["bootstrapServers"] == settings.kafka.bootstrap
    assert 2 <= scaled["spec"]["minReplicaCount"] <= scaled["spec"]["maxReplicaCount"]
    assert scaled["spec"]["maxReplicaCount"] <= settings.kafka.partitions


def test_the_network_is_closed_but_for_what_is_named() -> None:
    policies = {one["metadata"]["name"]: one["spec"] for one in of_kind("NetworkPolicy")}
    every = policies["stormfold"]
    # The label that the kustomization gives every pod.
    [labels] = kustomization(BASE)["labels"]
    assert labels["includeTemplates"] is True
    assert every["podSelector"]["matchLabels"].items() <= labels["pairs"].items()
    assert set(every["policyTypes"]) == {"Ingress", "Egress"}
    assert "ingress" not in every
    for name in ("stormfold-intake", "stormfold-worker"):
        assert policies[name]["podSelector"]["matchLabels"] == PODS[name]["metadata"]["labels"]
        [rule] = policies[name]["ingress"]
        assert rule["from"]
        assert {port["port"] for port in rule["ports"]} <= {
            port["name"] for port in CONTAINERS[name]["ports"]
        }
    assert policies["stormfold-intake"]["policyTypes"] == ["Ingress"]


def test_a_worker_reaches_intake_with_its_heartbeat() -> None:
    policies = {one["metadata"]["name"]: one["spec"] for one in of_kind("NetworkPolicy")}
    [out] = [
        rule
        for rule in policies["stormfold-worker"]["egress"]
        if any("podSelector" in to for to in rule["to"])
    ]
    [to] = out["to"]
    assert to["podSelector"] == policies["stormfold-intake"]["podSelector"]
    [into] = policies["stormfold-intake"]["ingress"]
    assert {"podSelector": policies["stormfold-worker"]["podSelector"]} in into["from"]
    assert out["ports"] == into["ports"]
