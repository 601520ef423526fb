"""How often a local Slack lets a call in, and what it answers when a caller comes too often.

Limits count over method, workspace and (for messages) channel. A refusal tells when to come back;
a call before that is counted as a violation and refused again, as it might cost the app its life.

Source: docs.slack.dev/apis/web-api/rate-limits and the tier on each method's page; the number of
messages a minute and workspace is nowhere given, "several hundred".
"""

from __future__ import annotations

import math
from typing import Final

from sinks.peers.pace import Refill, Window
from sinks.peers.serve import Clock
from sinks.peers.slack_store import Refusal

TIERS: Final = {
    "chat.update": 50,
    "chat.delete": 50,
    "chat.getPermalink": 600,
    "auth.test": 600,
    "conversations.history": 50,
    "conversations.replies": 50,
    "conversations.info": 50,
    "conversations.join": 50,
    "conversations.list": 20,
    "reactions.add": 50,
    "views.open": 100,
    "views.update": 100,
    "usergroups.users.list": 20,
    "users.info": 100,
    "chat.postEphemeral": 100,
}
"""Calls a minute and workspace."""
POSTS_PER_MINUTE: Final = 600
"""Messages a minute in the whole workspace."""


class Limits:
    """The limits of one workspace.

    Args:
        per_second: messages a second and channel; all other limits are scaled alike.
        burst: messages that a channel takes at once.
        clock: seconds.
    """

    def __init__(self, *, per_second: float, burst: int, clock: Clock) -> None:
        self._per_second, self._burst, self._clock = per_second, burst, clock
        window_s = 60.0 / per_second
        self._tiers = {name: Window(calls, window_s) for name, calls in TIERS.items()}
        self._workspace = Window(POSTS_PER_MINUTE, window_s)
        self._posts: dict[str, Refill] = {}
        self._silent_until: dict[str, float] = {}

    def call(self, method: str) -> None:
        """Let a call of this method in.

        Raises:
            Refusal: `ratelimited`, with the seconds to wait.
        """
        self._heed(method)
        wait_s = self._tiers[method].take(self._clock())
        if wait_s > 0.0:
            raise self.refusal(method, math.ceil(wait_s))

    def message(self, kind: str, channel: str) -> None:
        """Let a message into a channel, by the Web API (`post`) or by a webhook (`webhook`).

        Raises:
            Refusal: `ratelimited` for the channel, `message_limit_exceeded` for the workspace.
        """
        name = f"{kind} {channel}"
        self._heed(name)
        now = self._clock()
        bucket = self._posts.setdefault(name, Refill(self._per_second, self._burst))
        wait_s = bucket.take(now)
        if wait_s > 0.0:
            raise self.refusal(name, math.ceil(wait_s))
        if self._workspace.take(now) > 0.0:
            raise Refusal("message_limit_exceeded")

    def refusal(self, name: str, seconds: int, violation: str = "") -> Refusal:
        """Return the refusal that keeps this name silent for so many seconds from now."""
        seconds = max(1, seconds)
        until = self._clock() + seconds
        self._silent_until[name] = max(self._silent_until.get(name, 0.0), until)
        return Refusal("ratelimited", retry_after_s=seconds, violation=violation)

    def _heed(self, name: str) -> None:
        left_s = self._silent_until.get(name, 0.0) - self._clock()
        if left_s > 1e-6:
            raise Refusal(
                "ratelimited", retry_after_s=math.ceil(left_s), violation="inside_penalty"
            )
