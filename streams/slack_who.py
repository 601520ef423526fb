"""Who did something in Slack, and where they are, as each kind of payload says it. Pure."""

from __future__ import annotations

import xxhash

from correlators.acts import NAME_CHARS
from sinks.words import clean
from streams.slack_done import Who
from streams.slack_inbound import Json, text_in


def person_of(payload: Json) -> Who:
    """Return who did something to a message or a modal, and where."""
    user = text_in(payload, "user", "id")
    name = clean(text_in(payload, "user", "username") or text_in(payload, "user", "name"))
    return Who(
        user,
        name[:NAME_CHARS] or user,
        text_in(payload, "channel", "id"),
        text_in(payload, "message", "thread_ts"),
        text_in(payload, "response_url"),
        text_in(payload, "action_ts"),
        text_in(payload, "user", "team_id") or text_in(payload, "team", "id"),
        # A modal says no time; it changes with everything that is said in it.
        _named(text_in(payload, "view", "id"), text_in(payload, "view", "hash")),
    )


def commander_of(payload: Json, at: str) -> Who:
    """Return who said a command, and where. Args: at: when, as Slack writes it, or nothing."""
    user = text_in(payload, "user_id")
    name = clean(text_in(payload, "user_name")) or user
    channel, url = text_in(payload, "channel_id"), text_in(payload, "response_url")
    team, once = text_in(payload, "team_id"), _named(text_in(payload, "trigger_id"))
    return Who(user, name[:NAME_CHARS], channel, "", url, at, team, once)


def author_of(payload: Json) -> Who:
    """Return who mentions the app in a message, and in which thread; an event has no names."""

    def said(name: str) -> str:
        return text_in(payload, "event", name)

    ts = said("ts")
    team = said("user_team") or said("team") or text_in(payload, "team_id")
    thread_ts = said("thread_ts") or ts
    return Who(said("user"), "", said("channel"), thread_ts, ts=ts, team=team)


def _named(*ids: str) -> str:
    """Return what names a deed: of Slack's ids, with which one could ask for more, only a hash."""
    text = "\n".join(ids).encode("utf-8", "surrogatepass")
    return xxhash.xxh3_64_hexdigest(text) if all(ids) else ""
