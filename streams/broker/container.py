"""One KRaft broker in a Docker container, through testcontainers, which never outlives its owner.

testcontainers' own KafkaContainer knows Confluent's image only, so Apache's is started likewise:
the container waits for a script that tells it the address under which we see it. Its Ryuk, another
image to pull, is not used; a process of ours removes the container when its owner was killed.
"""

from __future__ import annotations

import atexit
import contextlib
import importlib.util
import ipaddress
import queue
import shutil
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, cast

from streams.broker.answers import wait_until_answers
from streams.broker.types import KAFKA_VERSION, SETTINGS, Broker, BrokerFailed, Say, Way

if TYPE_CHECKING:
    from testcontainers.core.container import DockerContainer
    from testcontainers.core.docker_client import DockerClient

IMAGE: Final = f"apache/kafka:{KAFKA_VERSION}"
NOT_INSTALLED: Final = "Docker not found"
NO_CLIENT: Final = (
    "Docker is installed, but the package that talks to it is not: pip install testcontainers"
)
ENGINE_WITHIN_S: Final = 3.0
PULL_WITHIN_S: Final = 300.0
STILL_WITHIN_S: Final = 60.0
"""How long a pull may tell nothing, in seconds."""
START_WITHIN_S: Final = 90.0
PORT: Final = 9092
SCRIPT: Final = "/tmp/stormfold-start.sh"

# Reads from a pipe whose other end only we hold. When it ends without a word, we were killed, and
# the container goes; one that was still being made then appears a moment later.
GUARD: Final = """
import sys, time
from docker.errors import DockerException
from testcontainers.core.docker_client import DockerClient
if sys.stdin.readline() == "":
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            DockerClient().client.api.remove_container(sys.argv[1], force=True, v=True)
            break
        except (DockerException, OSError):
            time.sleep(0.5)
"""


def why_not_docker(environ: Mapping[str, str]) -> str:
    """Return why the Docker way is closed here, as one line; empty when an engine answers."""
    installed = shutil.which("docker", path=environ.get("PATH", ""))
    if installed is None and "DOCKER_HOST" not in environ:
        return NOT_INSTALLED
    # Only developers need it, so an installation without `make setup` has none.
    if importlib.util.find_spec("testcontainers") is None:
        return NO_CLIENT
    import testcontainers.core.docker_client  # noqa: F401  # Slow, and no part of the engine's time.

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
        self._guard: subprocess.Popen[str] | None = None
        self.name = f"stormfold-kafka-{uuid.uuid4().hex[:12]}"
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
        from docker.errors import DockerException, NotFound

        container, self._container = self._container, None
        guard, self._guard = self._guard, None
        try:
            if container is not None:
                with contextlib.suppress(NotFound):
                    container.stop()
            told = "removed\n"
        except (DockerException, OSError):
            told = ""  # The engine may answer again in the time that the guard has.
        if guard is not None:
            with contextlib.suppress(OSError):
                guard.communicate(told)
        atexit.unregister(self.stop)

    def _start(self, say: Say) -> None:
        from testcontainers.core.config import testcontainers_config
        from testcontainers.core.container import DockerContainer
        from testcontainers.core.docker_client import DockerClient

        testcontainers_config.ryuk_disabled = True
        client = DockerClient()
        with contextlib.closing(client.client):
            _pull(client.client, testcontainers_config.hub_image_name_prefix + IMAGE, say)
            address = _published_on(client)
        self._guard = subprocess.Popen(
            [sys.executable, "-c", GUARD, self.name],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            text=True,
            # Ctrl-C goes to the owner, who still has things to write before the broker may go.
            start_new_session=True,
        )
        wait = f"while [ ! -f {SCRIPT} ]; do sleep 0.1; done; exec sh {SCRIPT}"
        self._container = container = DockerContainer(IMAGE).with_command(["sh", "-c", wait])
        ports = cast("dict[str, Any]", container.ports)
        ports[str(PORT)] = (address,) if address else None
        container.with_name(self.name).with_envs(**_environment()).start()
        host = container.get_container_host_ip()
        # `localhost` may mean ::1 first, where nothing is published.
        host = "127.0.0.1" if host == "localhost" else host
        self.bootstrap = f"{host}:{container.get_exposed_port(PORT)}"
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


def _published_on(client: DockerClient) -> str:
    """Return the one address on which the broker's port is published; empty means on all.

    Docker picks the port. Only an engine on another machine has to publish to its network.
    """
    from testcontainers.core.config import ConnectionMode

    mode = client.get_connection_mode()
    if mode is ConnectionMode.gateway_ip:  # We run in a container ourselves.
        for part in client.client.networks.get("bridge").attrs["IPAM"]["Config"]:
            if (subnet := ipaddress.ip_network(part["Subnet"])).version == 4:
                # Docker names the gateway only where it is not the first address.
                return str(part.get("Gateway") or subnet[1])
    here = mode is ConnectionMode.bridge_ip or client.host() in ("localhost", "127.0.0.1")
    return "127.0.0.1" if here else ""


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


def _pull(client: Any, image: str, say: Say, still_within_s: float = STILL_WITHIN_S) -> None:
    """Return once the engine has this image.

    Raises:
        BrokerFailed: it has not, and could not pull it within `PULL_WITHIN_S`, or told nothing for
            `still_within_s`.
    """
    from docker.errors import DockerException, ImageNotFound
    from urllib3.exceptions import HTTPError

    with contextlib.suppress(ImageNotFound):
        client.images.get(image)
        return
    say(f"First time: Docker pulls {image}.")
    deadline = time.monotonic() + PULL_WITHIN_S
    steps: queue.Queue[dict[str, Any] | Exception | None] = queue.Queue()
    # A thread, because Docker's client waits for the next step of a pull without a limit.
    threading.Thread(target=_pull_steps, args=(client, image, steps.put), daemon=True).start()
    layers = 0
    try:
        while (step := steps.get(timeout=still_within_s)) is not None:
            if isinstance(step, Exception):
                raise step
            if "error" in step:
                raise BrokerFailed(f"cannot pull {image}: {_line(step['error'])}")
            if step.get("status") == "Pull complete":
                layers += 1
                say(f"  {layers} layers")
            if time.monotonic() > deadline:
                raise BrokerFailed(f"pulling {image} took longer than {PULL_WITHIN_S:g} s")
        client.images.get(image)
    except queue.Empty:
        raise BrokerFailed(f"cannot pull {image}: it stood still") from None
    except (DockerException, OSError, HTTPError) as error:
        why = getattr(error, "explanation", None) or type(error).__name__
        raise BrokerFailed(f"cannot pull {image}: {_line(why)}") from error


def _pull_steps(
    client: Any, image: str, put: Callable[[dict[str, Any] | Exception | None], None]
) -> None:
    repository, _, tag = image.rpartition(":")
    try:
        for step in client.api.pull(repository, tag=tag, stream=True, decode=True):
            put(step)
        put(None)
    except Exception as error:  # The other thread tells them apart.
        put(error)


def _line(text: object) -> str:
    return " ".join(str(text).split())[:200]
