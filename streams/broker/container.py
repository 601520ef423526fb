"""One KRaft broker in a Docker container, through testcontainers, which removes it after a kill.

testcontainers' own KafkaContainer knows Confluent's image only, so Apache's is started likewise:
the container waits for a script that tells it the address under which we see it.
"""

from __future__ import annotations

import atexit
import contextlib
import shutil
import socket
import threading
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, cast

from streams.broker.answers import wait_until_answers
from streams.broker.types import KAFKA_VERSION, SETTINGS, Broker, BrokerFailed, Say, Way

if TYPE_CHECKING:
    from testcontainers.core.container import DockerContainer

IMAGE: Final = f"apache/kafka:{KAFKA_VERSION}"
ENGINE_WITHIN_S: Final = 3.0
PULL_WITHIN_S: Final = 300.0
START_WITHIN_S: Final = 90.0
PORT: Final = 9092
SCRIPT: Final = "/tmp/stormfold-start.sh"


def why_not_docker(environ: Mapping[str, str]) -> str:
    """Return why the Docker way is closed here, as one line; empty when an engine answers."""
    installed = shutil.which("docker", path=environ.get("PATH", ""))
    if installed is None and "DOCKER_HOST" not in environ:
        return "Docker not found"
    outcome: list[str] = []
    # A thread, because an engine that hangs may take longer than any limit of its client.
    asking = threading.Thread(target=lambda: outcome.append(_ping()), daemon=True)
    asking.start()
    asking.join(ENGINE_WITHIN_S)
    if outcome == [""]:
        return ""
    return "Docker is installed, but its engine does not answer"


def _ping() -> str:
    from docker.constants import DEFAULT_DOCKER_API_VERSION
    from docker.errors import APIError, DockerException
    from testcontainers.core.docker_client import DockerClient

    try:
        # With a version named, the constructor asks the engine nothing: one call has to be bounded.
        limit_s = ENGINE_WITHIN_S - 0.5
        client = DockerClient(timeout=limit_s, version=DEFAULT_DOCKER_API_VERSION).client
        with contextlib.closing(client):
            adapter = client.api.get_adapter(client.api.base_url)
            # Docker's client leaves its socket open when nobody listens, so that is asked first.
            if path := getattr(adapter, "socket_path", None):
                with socket.socket(socket.AF_UNIX) as trial:
                    trial.settimeout(limit_s)
                    trial.connect(path)
            client.ping()
    except APIError:
        return ""  # It answered; which version it speaks is negotiated when a container is started.
    except (DockerException, OSError) as error:
        return type(error).__name__
    return ""


class ContainerBroker(Broker):
    """A broker of our own in a container, with fresh data."""

    kind = Way.DOCKER

    def __init__(self, say: Say) -> None:
        """Start a broker and wait until it answers.

        Raises:
            BrokerFailed: the image is not to be had, or the container did not start or answer.
        """
        from docker.errors import DockerException

        self._container: DockerContainer | None = None
        atexit.register(self.stop)
        try:
            self._start(say)
            wait_until_answers(self.bootstrap, within_s=START_WITHIN_S, died=self._why_dead)
        # testcontainers raises what Docker's client raises, and errors of its own without a root.
        except (DockerException, OSError, RuntimeError, BrokerFailed) as error:
            tail = self._log_tail()
            self.stop()
            raise BrokerFailed(f"the Kafka container did not start: {error}\n{tail}") from error
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Remove the container; may be called twice."""
        container, self._container = self._container, None
        if container is not None:
            container.stop()
        atexit.unregister(self.stop)

    def _start(self, say: Say) -> None:
        from testcontainers.core.config import ConnectionMode, testcontainers_config
        from testcontainers.core.container import DockerContainer
        from testcontainers.core.docker_client import DockerClient

        client = DockerClient()
        with contextlib.closing(client.client):
            if not testcontainers_config.ryuk_disabled:
                _pull(client.client, testcontainers_config.ryuk_image, say)
            _pull(client.client, testcontainers_config.hub_image_name_prefix + IMAGE, say)
            here = client.get_connection_mode() is ConnectionMode.docker_host and client.host() in (
                "localhost",
                "127.0.0.1",
            )
        wait = f"while [ ! -f {SCRIPT} ]; do sleep 0.1; done; exec sh {SCRIPT}"
        self._container = container = DockerContainer(IMAGE).with_command(["sh", "-c", wait])
        # Only on the loopback address when the engine is on this machine; Docker picks the port.
        ports = cast("dict[str, Any]", container.ports)
        ports[str(PORT)] = ("127.0.0.1",) if here else None
        container.with_envs(**_environment()).start()
        self.bootstrap = f"{container.get_container_host_ip()}:{container.get_exposed_port(PORT)}"
        script = (
            f"export KAFKA_ADVERTISED_LISTENERS=PLAINTEXT://{self.bootstrap},BROKER://localhost:9093\n"
            "exec /etc/kafka/docker/run\n"
        )
        container.copy_into_container(script.encode(), SCRIPT)

    def _why_dead(self) -> str | None:
        assert self._container is not None
        inside = self._container.get_wrapped_container()
        inside.reload()
        return "it ended" if inside.status in ("exited", "dead") else None

    def _log_tail(self) -> str:
        from docker.errors import DockerException

        if self._container is None:
            return ""
        with contextlib.suppress(DockerException, OSError, RuntimeError):
            out, err = self._container.get_logs()
            return "\n".join((out + err).decode(errors="replace").splitlines()[-15:])
        return ""


def _environment() -> dict[str, str]:
    settings = SETTINGS | {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.voters": "1@localhost:9094",
        "controller.listener.names": "CONTROLLER",
        "inter.broker.listener.name": "BROKER",
        "listeners": f"PLAINTEXT://0.0.0.0:{PORT},BROKER://localhost:9093,CONTROLLER://localhost:9094",
        "listener.security.protocol.map": (
            "PLAINTEXT:PLAINTEXT,BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT"
        ),
    }
    named = {"KAFKA_" + name.upper().replace(".", "_"): value for name, value in settings.items()}
    return named | {"KAFKA_HEAP_OPTS": "-Xms256m -Xmx768m"}


def _pull(client: Any, image: str, say: Say) -> None:
    """Return once the engine has this image.

    Raises:
        BrokerFailed: it has not, and could not pull it within `PULL_WITHIN_S`.
    """
    from docker.errors import DockerException, ImageNotFound

    with contextlib.suppress(ImageNotFound):
        client.images.get(image)
        return
    say(f"First time: Docker pulls {image}.")
    deadline = time.monotonic() + PULL_WITHIN_S
    repository, _, tag = image.rpartition(":")
    try:
        layers = 0
        for step in client.api.pull(repository, tag=tag, stream=True, decode=True):
            if "error" in step:
                raise BrokerFailed(f"cannot pull {image}: {step['error']}")
            if step.get("status") == "Pull complete":
                layers += 1
                say(f"  {layers} layers")
            if time.monotonic() > deadline:
                raise BrokerFailed(f"pulling {image} took longer than {PULL_WITHIN_S:g} s")
        client.images.get(image)
    except (DockerException, OSError) as error:
        raise BrokerFailed(f"cannot pull {image}: {type(error).__name__}") from error
