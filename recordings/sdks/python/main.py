"""Runs one case, as a service would: what it raises is reported by the SDK."""

import os
import sys

import sentry_sdk

import cases


def main() -> None:
    name = sys.argv[1].replace("-", "_")
    sentry_sdk.init(
        release=os.environ["APP_RELEASE"],
        environment="production",
        server_name="app-1",
        traces_sample_rate=0,
    )
    try:
        getattr(cases, name)()
    finally:
        if sys.exc_info()[1] is None:
            sentry_sdk.flush(5)


main()
