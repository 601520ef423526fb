"""What a configuration may say, what is refused and in which words, and that no secret shows."""

from __future__ import annotations

import json
import traceback
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from correlators.fingerprint import VERSIONS
from correlators.incidents import Windows
from correlators.rules import Pages, Routes
from correlators.storms import Linking
from streams.describe import describe, missing_secrets
from streams.references import Secret
from streams.settings import Clock, Settings, SettingsError, find, load
from streams.yaml_reader import duration

SECRET = "xoxb-1111-s3cr3t-value"
ROOT = Path(__file__).parents[2]

FULL = """\
namespace: shop.eu-1
clock: data
default_environment: live
signature_version: 1
kafka: {bootstrap: "k1:9092,k2:9092", partitions: 8, replication: 3}
intake:
  host: 0.0.0.0
  port: 8081
  secrets: ["${NEW}", "file:/run/secrets/old"]
  max_body_bytes: 2097152
  kafka_timeout: 700ms
metrics: {host: 0.0.0.0, port: 0}
incidents: {settle: 15s, update_every: 10m, quiet_for: 20m, max_life: 12h, reopen_within: 1h,
            remember: 14d, belated_after: 3m, stale_after: 2h}
storms: {link_within: 90s, storm_quiet: 3m, release_news: 2h, burst_services: 4}
pages: {environments: [live, staging], events: 60, within: 4m, storm_services: 5,
        resolve_acknowledged: true}
services: {shop: {depends_on: [cart, pay.eu]}, cart: {depends_on: [shop]}, mail: {}}
sinks:
  slack:
    token: "${TOKEN}"
    base_url: "http://127.0.0.1:9/api/"
    channels: {incidents: "#incidents", ops: C024BE91L}
  pagerduty: {routing_key: "${KEY}", base_url: "http://127.0.0.1:9"}
  console: {}
routes: {tell: [slack:ops, console:default], page: [pagerduty:default]}
"""


def write(folder: Path, text: str | bytes) -> Path:
    path = folder / "stormfold.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def read(folder: Path, text: str | bytes, **environ: str) -> Settings:
    return load(write(folder, text), environ)


def problems(folder: Path, text: str | bytes, **environ: str) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as caught:
        read(folder, text, **environ)
    return tuple(line.removeprefix(f"{folder}/") for line in caught.value.problems)


def test_every_key_reaches_its_setting(tmp_path: Path) -> None:
    settings = read(tmp_path, FULL)
    assert (settings.namespace, settings.clock) == ("shop.eu-1", Clock.DATA)
    assert (settings.default_environment, settings.signature_version) == ("live", 1)
    kafka, intake = settings.kafka, settings.intake
    assert (kafka.bootstrap, kafka.partitions, kafka.replication) == ("k1:9092,k2:9092", 8, 3)
    assert (intake.host, intake.port) == ("0.0.0.0", 8081)
    assert (intake.max_body_bytes, intake.kafka_timeout_ms) == (2_097_152, 700)
    assert [s.source for s in intake.secrets] == ["${NEW}", "file:/run/secrets/old"]
    assert (settings.metrics.host, settings.metrics.port) == ("0.0.0.0", 0)
    assert settings.incidents == Windows(
        settle_ms=15_000,
        update_every_ms=600_000,
        quiet_for_ms=1_200_000,
        max_life_ms=43_200_000,
        reopen_within_ms=3_600_000,
        remember_ms=1_209_600_000,
        belated_after_ms=180_000,
        stale_after_ms=7_200_000,
    )
    assert settings.storms == Linking(
        link_within_ms=90_000, storm_quiet_ms=180_000, release_news_ms=7_200_000, burst_services=4
    )
    needs = {"shop": ("cart", "pay.eu"), "cart": ("shop",)}
    assert {name: one.depends_on for name, one in settings.services.items()} == {
        **needs,
        "mail": (),
    }
    assert settings.correlation().depends == needs
    assert settings.pages == Pages(
        environments=("live", "staging"),
        events=60,
        within_ms=240_000,
        storm_services=5,
        resolve_acknowledged=True,
    )
    assert describe(settings)["resolve_acknowledged"] is True
    slack, pagerduty = settings.sinks.slack, settings.sinks.pagerduty
    assert slack is not None
    assert pagerduty is not None
    assert slack.channels == {"incidents": "#incidents", "ops": "C024BE91L"}
    assert (slack.token.source, slack.base_url) == ("${TOKEN}", "http://127.0.0.1:9/api/")
    assert (pagerduty.routing_keys["default"].source, pagerduty.base_url) == (
        "${KEY}",
        "http://127.0.0.1:9",
    )
    assert settings.routes == Routes(
        tell=("slack:ops", "console:default"), page=("pagerduty:default",)
    )


@pytest.mark.parametrize("text", ["", "# nothing but a comment\n", "sinks:\nkafka:\n"])
def test_every_part_is_optional(tmp_path: Path, text: str) -> None:
    settings, defaults = read(tmp_path, text), load(None, {})
    assert settings.namespace == "stormfold"
    assert settings.routes == Routes(tell=("console:default",), page=())
    for part in Settings.__struct_fields__:
        if part != "file":
            assert getattr(settings, part) == getattr(defaults, part)


@pytest.mark.parametrize(
    ("sinks", "tell", "page"),
    [
        ("{console: }", ("console:default",), ()),
        ('{slack: {channels: {a: "#a", b: "#b"}}}', ("slack:a", "slack:b"), ()),
        ('{slack: {channels: {a: "#a"}}, console: {}}', ("slack:a", "console:default"), ()),
        ("{console: , pagerduty: {}}", ("console:default",), ("pagerduty:default",)),
    ],
)
def test_without_routes_everything_configured_is_told(
    tmp_path: Path, sinks: str, tell: tuple[str, ...], page: tuple[str, ...]
) -> None:
    assert read(tmp_path, f"sinks: {sinks}").routes == Routes(tell=tell, page=page)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            'sinks:\n  slack:\n    rate: 5\n    channels: {a: "#a"}\n',
            "stormfold.yaml:3 sinks.slack.rate: unknown key; allowed: base_url, channels, "
            "token, webhooks",
        ),
        (
            "intake:\n  port: abc\n",
            'stormfold.yaml:2 intake.port: expected an integer from 0 to 65535, found "abc"',
        ),
        (
            'intake: {port: "8080"}',
            'stormfold.yaml:1 intake.port: expected an integer from 0 to 65535, found "8080"',
        ),
        (
            "intake: {port: 70000}",
            "stormfold.yaml:1 intake.port: expected an integer from 0 to 65535, found 70000",
        ),
        (
            "metrics: {port: yes}",
            "stormfold.yaml:1 metrics.port: expected an integer from 0 to 65535, found yes",
        ),
        (
            "kafka: {partitions: 010}",
            "stormfold.yaml:1 kafka.partitions: expected an integer from 1 to 1000, found 010",
        ),
        (
            "\n\nclock: lunar",
            'stormfold.yaml:3 clock: expected wall or data, found "lunar"',
        ),
        (
            "namespace: Shop",
            "stormfold.yaml:1 namespace: expected a name of at most 40 of a-z, 0-9, '.', '_' and "
            "'-', found \"Shop\"",
        ),
        (
            "incidents: {settle: 10}",
            "stormfold.yaml:1 incidents.settle: expected a duration from 1s to 365d, such as "
            "800ms, 10s, 5m, 24h, found 10",
        ),
        (
            "incidents:\n  max_life: 1m\n",
            "stormfold.yaml:2 incidents.max_life: expected at least quiet_for, which is 10m, "
            "found 1m",
        ),
        (
            "incidents:\n  update_every: 1m\n  quiet_for: 48h\n",
            "stormfold.yaml:3 incidents.quiet_for: expected at most max_life, which is 1d, "
            "found 2d",
        ),
        (
            "incidents: {settle: 1h}",
            "stormfold.yaml:1 incidents.settle: expected at most quiet_for, which is 10m, found 1h",
        ),
        (
            "kafka: localhost:9092",
            "stormfold.yaml:1 kafka: expected a section with keys, found a text",
        ),
        (
            "sinks: {slack: {channels: {ops: #ops\n}}}",
            "stormfold.yaml:1 sinks.slack.channels.ops: expected a channel such as "
            '"#incidents" (in quotes) or its id, found nothing (a text that begins with # '
            "needs quotes)",
        ),
        (
            "sinks: {slack: {channels: {}}}",
            "stormfold.yaml:1 sinks.slack.channels: expected at least one, such as "
            '{incidents: "#incidents"}, found none',
        ),
        (
            "sinks: {console: {}}\nroutes: {tell: [slack:ops]}",
            "stormfold.yaml:2 routes.tell[0]: expected one of the destinations configured: "
            'console:default, found "slack:ops"',
        ),
        (
            "routes: {page: [pagerduty:default]}",
            "stormfold.yaml:1 routes.page[0]: expected one of the destinations configured: none "
            'for this route, found "pagerduty:default"',
        ),
        (
            "kafka: {partitions: 2}\nclock: wall\nkafka: {partitions: 3}",
            "stormfold.yaml:3 kafka: stands here for the second time",
        ),
        ("[1, 2]", "stormfold.yaml:1: expected a section with keys, found a list"),
        (
            "intake: {secrets: []}",
            "stormfold.yaml:1 intake.secrets: expected at least one, found none",
        ),
        (
            "namespace: ${NAMESPACE}",
            "stormfold.yaml:1 namespace: the environment variable NAMESPACE is not set",
        ),
        (
            "namespace: ${not a name}",
            "stormfold.yaml:1 namespace: a reference is written ${NAME} or ${NAME:-default}",
        ),
        (
            "clock: data\nkafka:\n  sentry_topics: [events]\n",
            "stormfold.yaml:3 kafka.sentry_topics: they are read under clock: wall only, and this "
            "is clock: data",
        ),
        (
            "namespace: eu\nkafka: {sentry_topics: [events, eu.sentry.events]}",
            "stormfold.yaml:2 kafka.sentry_topics[1]: eu.sentry.events is a topic of this "
            "installation",
        ),
        (
            "kafka: {sentry_topics: [events, events]}",
            "stormfold.yaml:1 kafka.sentry_topics[1]: events stands here for the second time",
        ),
        (
            "kafka: {sentry_topics: events}",
            "stormfold.yaml:1 kafka.sentry_topics: expected a list of topics, found a text",
        ),
        (
            "kafka: {sentry_topics: [a b]}",
            "stormfold.yaml:1 kafka.sentry_topics[0]: expected the name of a topic, such as "
            'events, found "a b"',
        ),
        (
            "projects: {checkout: checkout}",
            "stormfold.yaml:1 projects.checkout: expected the number of a Sentry project as the "
            "key",
        ),
        (
            "projects: {4507: [checkout]}",
            "stormfold.yaml:1 projects.4507: expected its slug, at most 100 of a-z, A-Z, 0-9, "
            "'.', '_' and '-', found a list",
        ),
        (
            "intake: {legacy_tokens: a-token-in-the-file-0123}",
            "stormfold.yaml:1 intake.legacy_tokens: expected a list of secrets, found a text",
        ),
        (
            "kafka:\n\tpartitions: 3",
            r"stormfold.yaml:2 not YAML: found character '\t' that cannot start any token; "
            "indent with spaces, not with tabs",
        ),
        (
            'sinks:\n  slack:\n    channels: {a: "#a", b: #b}\n    token: x\n',
            "stormfold.yaml:4 not YAML: expected ',' or '}', but got ':'; a text that begins with "
            "# needs quotes, else the rest of its line is a comment",
        ),
        (
            "sinks:\n slack:\n  token: x\n  channels: {}\n   webhooks: {}\n",
            "stormfold.yaml:5 not YAML: expected <block end>, but found '<block mapping start>'; "
            "look at how far this line and the one above are indented",
        ),
        (
            "namespace: a: b",
            "stormfold.yaml:1 not YAML: mapping values are not allowed here; a text with a colon "
            "and a space in it needs quotes, and each key a line of its own",
        ),
        (
            "a: [1, 2",
            "stormfold.yaml:1 not YAML: expected ',' or ']', but got '<stream end>'",
        ),
        (
            "--- 1\n--- 2\n",
            "stormfold.yaml:2 not YAML: expected a single document in the stream, but found "
            "another document",
        ),
        ("a: *nowhere", "stormfold.yaml:1 not YAML: found undefined alias ..."),
        (b"clock: wall\nnamespace: \xff\xfe", "stormfold.yaml:2 not UTF-8"),
        (b"a: 1\nb: \x00", "stormfold.yaml:2 not YAML: a character that YAML forbids"),
        ("[" * 5_000, "stormfold.yaml: too deeply nested"),
        ("#" * 2_000_000, "stormfold.yaml: longer than 1048576 bytes"),
    ],
)
def test_a_problem_names_file_line_path_what_was_found_and_what_is_allowed(
    tmp_path: Path, text: str | bytes, problem: str
) -> None:
    (told,) = problems(tmp_path, text)
    assert told == problem


def test_all_problems_are_told_at_once_in_the_order_of_lines(tmp_path: Path) -> None:
    text = "metrics: {port: -1}\nclok: wall\nkafka:\n  bootstrap: nowhere\n  replication: 0\n"
    told = [line.partition(":")[2].split(":")[0] for line in problems(tmp_path, text)]
    assert told == ["1 metrics.port", "2 clok", "4 kafka.bootstrap", "5 kafka.replication"]


def test_many_problems_are_cut(tmp_path: Path) -> None:
    told = problems(tmp_path, "".join(f"x{n}: 1\n" for n in range(50)))
    assert len(told) == 21
    assert told[-1] == "and 30 more"


def test_aliases_mean_what_they_point_at(tmp_path: Path) -> None:
    settings = read(tmp_path, "intake: {host: &here 10.0.0.7}\nmetrics: {host: *here}\n")
    assert settings.metrics.host == "10.0.0.7"


def test_references_are_followed_and_defaults_used(tmp_path: Path) -> None:
    text = (
        "namespace: ${NS}\nclock: ${CLOCK:-data}\nintake: {port: ${PORT:-9000}}\n"
        'sinks: {slack: {channels: {a: "#${TEAM:-ops}-alerts"}}}\n'
    )
    settings = read(
        tmp_path, text.replace("{port: ", "{port: '").replace("9000}", "9000}'"), NS="n1", CLOCK=""
    )
    assert (settings.namespace, settings.clock, settings.intake.port) == ("n1", Clock.DATA, 9000)
    assert settings.sinks.slack is not None
    assert settings.sinks.slack.channels == {"a": "#ops-alerts"}


def test_the_variable_for_the_bootstrap_wins(tmp_path: Path) -> None:
    text = "kafka: {bootstrap: 'here:9092'}"
    assert read(tmp_path, text, KAFKA_BOOTSTRAP="there:9093").kafka.bootstrap == "there:9093"
    assert read(tmp_path, text, KAFKA_BOOTSTRAP="").kafka.bootstrap == "here:9092"
    assert load(None, {"KAFKA_BOOTSTRAP": "there:9093"}).kafka.bootstrap == "there:9093"
    assert problems(tmp_path, text, KAFKA_BOOTSTRAP="there") == (
        "KAFKA_BOOTSTRAP: expected host:port, several separated by commas, found something else",
    )


def test_a_self_hosted_sentry_is_named_by_its_topics_and_the_numbers_of_its_projects(
    tmp_path: Path,
) -> None:
    text = 'kafka: {sentry_topics: [events, "${MORE}"]}\nprojects: {4507: checkout, "12": mail}\n'
    settings = read(tmp_path, text, MORE="events-eu")
    assert settings.kafka.sentry_topics == ("events", "events-eu")
    assert settings.projects == {"4507": "checkout", "12": "mail"}
    assert settings.fingerprinting().projects == settings.projects
    assert read(tmp_path, "clock: data\nkafka: {sentry_topics: []}").kafka.sentry_topics == ()


def test_tokens_of_the_legacy_plugin_are_secrets_like_any_other(tmp_path: Path) -> None:
    text = 'intake: {legacy_tokens: ["${NEW_TOKEN}", "file:/run/secrets/old", a-text-0123456789]}'
    settings = read(tmp_path, text, SENTRY_CLIENT_SECRET="s")
    tokens = settings.intake.legacy_tokens
    assert [token.source for token in tokens] == [
        "${NEW_TOKEN}",
        "file:/run/secrets/old",
        "a text in the file",
    ]
    assert [line.split(": ", 1)[1] for line in missing_secrets(settings)] == [
        "the environment variable NEW_TOKEN is not set",
        "the file /run/secrets/old cannot be read: No such file or directory",
    ]
    assert "a-text" not in json.dumps(describe(settings))
    assert load(None, {}).intake.legacy_tokens == ()


# ------------------------------------------------------------------------------------ which file


def test_the_option_wins_over_the_variable_over_the_folder(tmp_path: Path) -> None:
    for name in ("option.yaml", "variable.yaml"):
        (tmp_path / name).touch()
    environ = {"STORMFOLD_CONFIG": "variable.yaml"}
    assert find(None, {}, tmp_path) is None
    write(tmp_path, "")
    assert find("option.yaml", environ, tmp_path) == tmp_path / "option.yaml"
    assert find(None, environ, tmp_path) == tmp_path / "variable.yaml"
    assert find(None, {"STORMFOLD_CONFIG": ""}, tmp_path) == tmp_path / "stormfold.yaml"


def test_a_file_that_is_named_must_exist(tmp_path: Path) -> None:
    write(tmp_path, "")
    with pytest.raises(SettingsError, match=r"gone\.yaml: no such file, named by --config"):
        find("gone.yaml", {}, tmp_path)
    with pytest.raises(SettingsError, match="named by STORMFOLD_CONFIG"):
        find(None, {"STORMFOLD_CONFIG": "gone.yaml"}, tmp_path)


def test_the_example_is_valid_with_an_empty_environment() -> None:
    settings = load(ROOT / "stormfold.yaml", {})
    assert settings.namespace == "stormfold"
    assert settings.clock == Clock.WALL


# --------------------------------------------------------------------------------------- secrets


def secret(reference: str, **environ: str) -> Secret:
    return Secret(reference, place="stormfold.yaml:9 sinks.slack.token", environ=environ)


def test_a_secret_is_read_when_it_is_used(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(SECRET + "\n")
    environ: dict[str, str] = {}
    late = Secret("${TOKEN}", place="p", environ=environ)
    environ["TOKEN"] = SECRET
    assert late.reveal() == SECRET
    assert secret(f"file:{file}").reveal() == SECRET
    assert secret("file:${DIR}/token", DIR=str(tmp_path)).reveal() == SECRET
    assert secret(SECRET).reveal() == SECRET
    assert secret("${TOKEN:-" + SECRET + "}").reveal() == SECRET


@pytest.mark.parametrize(
    ("reference", "why"),
    [
        ("${TOKEN}", "the environment variable TOKEN is not set"),
        ("${EMPTY}", "${EMPTY} is empty"),
        ("", "a text in the file is empty"),
        ("file:/no/such/file", "the file /no/such/file cannot be read: No such file or directory"),
        ("file:/dev/null", "file:/dev/null is empty"),
        ("file:/dev/zero", "the file /dev/zero is longer than 65536 bytes"),
        ("file:\0", "a path has no zero byte"),
    ],
)
def test_a_missing_secret_names_its_place_and_its_source(reference: str, why: str) -> None:
    absent = secret(reference, EMPTY=" ")
    assert absent.missing == f"stormfold.yaml:9 sinks.slack.token: {why}"
    with pytest.raises(SettingsError):
        absent.reveal()


def test_a_secret_shows_in_no_text(tmp_path: Path) -> None:
    token = secret(SECRET)
    settings = read(tmp_path, f'sinks: {{slack: {{token: {SECRET}, channels: {{a: "#a"}}}}}}')
    for text in (repr(token), str(token), f"{token}", repr(settings), str(describe(settings))):
        assert SECRET not in text
        assert "s3cr3t" not in text
    assert repr(token) == "Secret(***)"


@pytest.mark.parametrize(
    "text",
    [
        f"sinks: {{slack: {SECRET}}}",
        f"sinks: {{slack: {{token: [{SECRET}]}}}}",
        f"sinks: {{slack: {{token: {{a: {SECRET}}}}}}}",
        f"sinks: {{slack: {{token: a, channels: {SECRET}}}}}",
        f"sinks: {{slack: {{base_url: {SECRET}}}}}",
        f"sinks: {{pagerduty: {{base_url: 'https://user:{SECRET}@host'}}}}",
        "sinks: {slack: {base_url: 'https://u:s3cr3t@x/'}}",
        f"intake: {{secrets: {SECRET}}}",
        f"intake: {{port: {SECRET}}}",
        f"sinks: {{slack: {{token: *{SECRET}}}}}",
        f"sinks: {{slack: {{token: '{SECRET}}}}}",
        f'sinks: {{slack: {{token: "\\q{SECRET}"}}}}',
        f"sinks: {{slack: {{token: !{SECRET} x}}}}",
        f"sinks: {{slack: {{token: @{SECRET}}}}}",
        "kafka: {bootstrap: '${TOKEN}'}",
        "intake: {port: '${TOKEN}'}",
    ],
)
def test_no_error_shows_a_secret(tmp_path: Path, text: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read(tmp_path, text, TOKEN=SECRET)
    assert "s3cr3t" not in "".join(traceback.format_exception(caught.value))


@given(st.binary(max_size=60) | st.text("{}[]:,&*!|>'\"%@#-? \n\tak$", max_size=60))
def test_any_file_gives_settings_or_problems(
    tmp_path_factory: pytest.TempPathFactory, content: bytes | str
) -> None:
    folder = tmp_path_factory.getbasetemp() / "any"
    folder.mkdir(exist_ok=True)
    with suppress(SettingsError):
        assert json.dumps(describe(read(folder, content)))


# -------------------------------------------------------------------------------------- describe


def test_check_tells_what_goes_where_and_which_secrets_are_missing(tmp_path: Path) -> None:
    settings = read(tmp_path, FULL, TOKEN=SECRET)
    told = describe(settings)
    assert told["tell"] == ["slack:ops", "console:default"]
    assert told["destinations"] == [
        {
            "destination": f"slack:{name}",
            "to": channel,
            "through": "http://127.0.0.1:9/api/",
            "secret": {"from": "${TOKEN}", "set": True},
        }
        for name, channel in (("incidents", "#incidents"), ("ops", "C024BE91L"))
    ] + [
        {
            "destination": "pagerduty:default",
            "to": "the service of the routing key",
            "through": "http://127.0.0.1:9",
            "secret": {"from": "${KEY}", "set": False},
        },
        {"destination": "console:default", "to": "this terminal", "through": None, "secret": None},
    ]
    assert [line.split(": ", 1)[1] for line in missing_secrets(settings)] == [
        "the environment variable NEW is not set",
        "the file /run/secrets/old cannot be read: No such file or directory",
        "the environment variable KEY is not set",
    ]
    assert json.dumps(told)


@given(st.integers(min_value=1, max_value=10**12))
def test_a_duration_is_written_as_it_would_be_read(length_ms: int) -> None:
    written = duration(length_ms)
    unit = written.lstrip("0123456789")
    scale = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}[unit]
    assert int(written.removesuffix(unit)) * scale == length_ms


def test_a_slack_without_channels_tells_the_channel_incidents(tmp_path: Path) -> None:
    path = tmp_path / "stormfold.yaml"
    path.write_text("sinks: {slack: {token: t}}")
    settings = load(path, {})
    assert settings.sinks.slack is not None
    assert settings.sinks.slack.channels == {"incidents": "#incidents"}
    assert settings.routes.tell == ("slack:incidents",)


def test_a_signature_version_that_nobody_can_make_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "stormfold.yaml"
    path.write_text(f"signature_version: {VERSIONS[-1] + 1}")
    with pytest.raises(SettingsError, match=r"stormfold\.yaml:1 signature_version: expected"):
        load(path, {})


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("services: {shop: {depends_on: [shop]}}", "a service does not depend on itself"),
        ("services: {'a b': {depends_on: [c]}}", "as the key"),
        ("services: {shop: {depends_on: ['a b']}}", "the name of a service"),
        (
            "services:\n  shop: {}\n  cart: {runbook: wiki}",
            "stormfold.yaml:3 services.cart.runbook: expected an address such as",
        ),
        (
            "services:\n  shop:\n    dashboard: 'https://user:word@example.com'",
            "stormfold.yaml:3 services.shop.dashboard: expected an address such as",
        ),
        (
            "services: {shop: {status_page: 'https://example.com/<a>'}}",
            "stormfold.yaml:1 services.shop.status_page: expected an address such as",
        ),
        (
            "services: {shop: {runbook: 'ftp://example.com/" + "a" * 500 + "'}}",
            "at most 500 characters",
        ),
        (
            "teams: {ops: {}}\nservices:\n  shop: {owner: dev}",
            "stormfold.yaml:3 services.shop.owner: expected one of ops, found",
        ),
        ("services: {shop: {owner: dev}}", "services.shop.owner: expected one of none, found"),
        (
            "services: {shop: {wiki: dev}}",
            "unknown key; allowed: dashboard, depends_on, image, owner",
        ),
    ],
)
def test_a_service_that_makes_no_sense_is_refused(tmp_path: Path, text: str, says: str) -> None:
    assert any(says in line for line in problems(tmp_path, text + "\n"))


def test_what_is_known_of_a_service_is_read_and_shown(tmp_path: Path) -> None:
    path = tmp_path / "stormfold.yaml"
    path.write_text(
        """
teams: {team-shop: {}}
services:
  shop:
    depends_on: [cart]
    owner: team-shop
    runbook: https://wiki.example.com/shop?view=1#top
    dashboard: https://grafana.example.com/d/1
    status_page: http://status.example.com
"""
    )
    settings = load(path, {})
    shop = settings.correlation().services["shop"]
    assert (shop.owner, shop.runbook) == (
        "team-shop",
        "https://wiki.example.com/shop?view=1#top",
    )
    assert (shop.dashboard, shop.status_page) == (
        "https://grafana.example.com/d/1",
        "http://status.example.com",
    )
    assert describe(settings)["services"] == {
        "shop": {
            "needs": ["cart"],
            "owner": "team-shop",
            "runbook": "https://wiki.example.com/shop?view=1#top",
            "dashboard": "https://grafana.example.com/d/1",
            "status_page": "http://status.example.com",
        }
    }
