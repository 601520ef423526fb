# Stormfold's intake and worker: one image, the command is the argument (`intake`, `run`, `topics`).
# Nothing secret goes in; the configuration is mounted over /etc/stormfold/stormfold.yaml, and what is
# secret comes from the environment or from mounted files at run time. It writes to /tmp only.
#
# The base is pinned by its tag. To pin it by its digest too, which only the registry can tell:
#   docker build --build-arg BASE=python:3.11-slim-bookworm@sha256:... .
ARG BASE=python:3.11-slim-bookworm

FROM ${BASE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /src
RUN python -m venv /opt/build && python -m venv --without-pip /opt/stormfold
# Everything in the lock file, by its hashes; it changes seldom and stays in the engine's cache.
COPY requirements.lock ./
RUN /opt/build/bin/pip wheel --no-deps --require-hashes --wheel-dir /wheels -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY streams streams
COPY sinks sinks
COPY correlators correlators
# From those wheels alone: first what builds ours, then ours with what it needs to run, and nothing
# that only developers need. Compiled here, since the running container can write no .pyc.
RUN /opt/build/bin/pip install --no-index --find-links /wheels hatchling \
 && /opt/build/bin/pip wheel --no-build-isolation --no-deps --wheel-dir /wheels . \
 && /opt/build/bin/pip --python /opt/stormfold/bin/python install --no-index --find-links /wheels \
      --compile stormfold \
 && /opt/build/bin/pip --python /opt/stormfold/bin/python check

FROM ${BASE}
LABEL org.opencontainers.image.title="stormfold" \
      org.opencontainers.image.description="Folds Sentry alert storms into one digest per outage" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /opt/stormfold /opt/stormfold
COPY stormfold.yaml /etc/stormfold/stormfold.yaml
ENV PATH=/opt/stormfold/bin:$PATH \
    HOME=/tmp \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    STORMFOLD_CONFIG=/etc/stormfold/stormfold.yaml
WORKDIR /tmp
# By number, so that Kubernetes can tell that it is not root.
USER 10001:10001
EXPOSE 8080 9464
HEALTHCHECK --interval=5s --timeout=10s --start-period=30s --retries=6 \
    CMD ["python", "-m", "streams.healthy"]
ENTRYPOINT ["stormfold"]
