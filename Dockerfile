# Stormfold's intake and worker: one image, the command is the argument (`intake`, `run`, `topics`).
# Nothing secret goes in; the configuration is mounted over /etc/stormfold/stormfold.yaml and what is
# secret comes from the environment at run time.

FROM python:3.12-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /src
# Everything in the lock file, by its hashes; it changes seldom and stays in the engine's cache.
COPY requirements.lock ./
RUN pip wheel --no-deps --require-hashes --wheel-dir /wheels -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY streams streams
COPY sinks sinks
COPY correlators correlators
# From those wheels alone: first what builds ours, then ours with what it needs to run, and nothing
# that only developers need.
RUN python -m venv /opt/build && python -m venv /opt/stormfold \
 && /opt/build/bin/pip install --no-index --find-links /wheels hatchling \
 && /opt/build/bin/pip wheel --no-build-isolation --no-deps --wheel-dir /wheels . \
 && /opt/stormfold/bin/pip install --no-index --find-links /wheels stormfold \
 && /opt/stormfold/bin/pip check

FROM python:3.12-slim
LABEL org.opencontainers.image.title="stormfold" \
      org.opencontainers.image.description="Folds Sentry alert storms into one digest per outage" \
      org.opencontainers.image.licenses="Apache-2.0"
RUN useradd --uid 10001 --no-create-home --home-dir /nonexistent \
      --shell /usr/sbin/nologin stormfold
COPY --from=build /opt/stormfold /opt/stormfold
COPY stormfold.yaml /etc/stormfold/stormfold.yaml
ENV PATH=/opt/stormfold/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    STORMFOLD_CONFIG=/etc/stormfold/stormfold.yaml
USER stormfold
EXPOSE 8080 9464
ENTRYPOINT ["stormfold"]
