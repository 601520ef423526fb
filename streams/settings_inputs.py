"""The keys of `stormfold.yaml` that say where events come from, and whose they are.

Called by `settings_read`, which has every other key.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import msgspec
from yaml.nodes import Node

from streams.references import Secret
from streams.settings_types import Clock, Intake, Kafka
from streams.topic_names import names as topic_names
from streams.yaml_reader import Reader

BOOTSTRAP_VARIABLE: Final = "KAFKA_BOOTSTRAP"

HOST: Final = re.compile(r"[A-Za-z0-9._:-]{1,253}")

_BOOTSTRAP: Final = re.compile(r"[A-Za-z0-9._-]+:[0-9]{1,5}(?:,[A-Za-z0-9._-]+:[0-9]{1,5}){0,31}")
_TOPIC: Final = re.compile(r"[A-Za-z0-9._-]{1,249}")
_PROJECT: Final = re.compile(r"[1-9][0-9]{0,18}")
SERVICE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_INTAKE: Final = (
    *("host", "port", "secrets", "legacy_tokens", "deploy_secrets"),
    *("max_body_bytes", "kafka_timeout"),
)


def projects_of(reader: Reader, node: Node | None) -> dict[str, str]:
    """Return the service of every project that is named by its number."""
    found: dict[str, str] = {}
    for number, service in reader.section(node, "projects", None).items():
        path = f"projects.{number}"
        if not _PROJECT.fullmatch(number):
            reader.problem(service, path, "expected the number of a Sentry project as the key")
        says = "its slug, at most 100 of a-z, A-Z, 0-9, '.', '_' and '-'"
        found[number] = reader.text(service, path, number, SERVICE, says)
    return found


def kafka_of(
    reader: Reader, node: Node | None, environ: Mapping[str, str], namespace: str, clock: Clock
) -> Kafka:
    """Return the cluster, the shape of our topics, and whose else are read.

    Args:
        environ: whose `KAFKA_BOOTSTRAP` wins.
        namespace: of this installation, whose own topics are no foreign ones.
        clock: under `data` no foreign topic is read.
    """
    key = reader.section(node, "kafka", Kafka.__struct_fields__)
    says = "host:port, several separated by commas"
    # The variable wins even over a wrong or unresolvable entry, so that one is then not read.
    bootstrap = environ.get(BOOTSTRAP_VARIABLE, "")
    if not bootstrap:
        bootstrap = reader.text(
            key.get("bootstrap"), "kafka.bootstrap", Kafka().bootstrap, _BOOTSTRAP, says
        )
    elif not _BOOTSTRAP.fullmatch(bootstrap):
        reader.problem_outside(BOOTSTRAP_VARIABLE, f"expected {says}, found something else")
    return Kafka(
        bootstrap=bootstrap,
        partitions=reader.integer(key.get("partitions"), "kafka.partitions", 4, 1, 1_000),
        replication=reader.integer(key.get("replication"), "kafka.replication", 1, 1, 10),
        sentry_topics=_sentry_topics(reader, key.get("sentry_topics"), namespace, clock),
    )


def _sentry_topics(
    reader: Reader, node: Node | None, namespace: str, clock: Clock
) -> tuple[str, ...]:
    path = "kafka.sentry_topics"
    own = set(msgspec.structs.astuple(topic_names(namespace)))
    found: dict[str, None] = {}
    for at, entry in enumerate(reader.entries(node, path, "topics") or ()):
        says = "the name of a topic, such as events"
        name = reader.text(entry, f"{path}[{at}]", "", _TOPIC, says)
        if name in own:
            reader.problem(entry, f"{path}[{at}]", f"{name} is a topic of this installation")
        elif name in found:
            reader.problem(entry, f"{path}[{at}]", f"{name} stands here for the second time")
        elif name:
            found[name] = None
    if found and node is not None and clock is Clock.DATA:
        # Replayed time moves by marks, and into somebody else's topic none are written.
        reader.problem(node, path, "they are read under clock: wall only, and this is clock: data")
    return tuple(found)


def _secrets(reader: Reader, key: dict[str, Node], name: str) -> tuple[Secret, ...]:
    path = f"intake.{name}"
    entries = reader.entries(key.get(name), path, "secrets") or ()
    return tuple(reader.secret(entry, f"{path}[{at}]", "") for at, entry in enumerate(entries))


def intake_of(reader: Reader, node: Node | None) -> Intake:
    """Return where webhooks come in, and what opens the door to them."""
    key = reader.section(node, "intake", _INTAKE)
    entries = reader.entries(key.get("secrets"), "intake.secrets", "secrets")
    if entries is None:
        secrets = [reader.secret(None, "intake.secrets", "${SENTRY_CLIENT_SECRET}")]
    else:
        secrets = [
            reader.secret(entry, f"intake.secrets[{at}]", "") for at, entry in enumerate(entries)
        ]
        if not entries and "secrets" in key:
            reader.problem(key["secrets"], "intake.secrets", "expected at least one, found none")
    host = reader.text(key.get("host"), "intake.host", "127.0.0.1", HOST, "a host or an address")
    body = reader.integer(
        key.get("max_body_bytes"), "intake.max_body_bytes", 5_242_880, 1_024, 67_108_864
    )
    timeout_ms = reader.duration_ms(
        key.get("kafka_timeout"), "intake.kafka_timeout", 800, 50, 10_000
    )
    return Intake(
        host=host,
        port=reader.integer(key.get("port"), "intake.port", 8080, 0, 65_535),
        secrets=tuple(secrets),
        legacy_tokens=_secrets(reader, key, "legacy_tokens"),
        deploy_secrets=_secrets(reader, key, "deploy_secrets"),
        max_body_bytes=body,
        kafka_timeout_ms=timeout_ms,
    )
