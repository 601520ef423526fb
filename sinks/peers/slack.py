"""A local Slack: tokens, channels, messages, threads, history with metadata, and its rate limits.

It keeps what docs.slack.dev says of the methods it serves and what others measured; nothing here
sends anything anywhere. What it received is in `calls`, what it holds in `messages`. The methods
stand in `slack_chat` and `slack_conversations`, the rules of a message in `slack_rules` and
`slack_blocks`, the rates in `slack_limits`; here: the server, and the states that a test can
switch.

Source: docs.slack.dev/apis/web-api/rate-limits and the methods' own pages.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from aiohttp import web

from sinks.peers.faults import Fault, Trouble
from sinks.peers.serve import Call, Clock, Json, Peer
from sinks.peers.slack_back import Back
from sinks.peers.slack_chat import Chat
from sinks.peers.slack_conversations import Conversations
from sinks.peers.slack_limits import Limits
from sinks.peers.slack_states import States
from sinks.peers.slack_store import Message, Refusal, Workspace
from sinks.peers.slack_webhooks import Webhooks, answer_of, payload_of
from sinks.peers.slack_wire import arguments_of

__all__ = ["Message", "SlackPeer"]

LIMITED_WORDS: Final = {
    Fault.RATE_LIMITED: "ratelimited",
    Fault.RATE_LIMITED_BODY: "rate_limited",
    Fault.RATE_LIMITED_FLOOD: "message_limit_exceeded",
}
"""The error of each form in which Slack asks to wait."""


class SlackPeer(States, Peer):
    """A workspace with one bot.

    Args:
        token: the only bot token that is let in.
        channels: names by channel id, such as {"C0INC": "incidents"}; the bot is a member of each.
        private: ids of the channels that are private.
        per_second: messages a second and channel; edits and reads are scaled alike.
        burst: messages a channel takes at once.
        port: 0 takes a free one.
        clock: seconds since the epoch; the rates and `ts` follow it.
        seed: of the faults that meet a share of the calls.
    """

    def __init__(
        self,
        *,
        token: str,
        channels: Mapping[str, str],
        private: Iterable[str] = (),
        per_second: float = 1.0,
        burst: int = 3,
        host: str = "127.0.0.1",
        port: int = 0,
        clock: Clock = time.time,
        seed: int = 0,
    ) -> None:
        super().__init__(host=host, port=port, clock=clock, max_body_bytes=2**20, seed=seed)
        self._token = token
        self._token_error = ""
        self.limited_as = Fault.RATE_LIMITED
        """In which form a call that comes too often is asked to wait."""
        self.waits_as_date = False
        self.workspace = Workspace(channels, private=frozenset(private), clock=clock)
        self._limits = Limits(per_second=per_second, burst=burst, clock=clock)
        self.chat = Chat(self.workspace, self._limits)
        conversations = Conversations(self.workspace, self._limits)
        self.back = Back(self.workspace, self._limits)
        """What comes back to the app: modals, groups, messages that one person sees."""
        self._webhooks = Webhooks(self.workspace, self._limits, self.chat)
        self._methods: dict[str, Callable[[Json], Json]] = {
            "auth.test": self._test,
            "chat.postMessage": self.chat.post,
            "chat.update": self.chat.update,
            "chat.delete": self.chat.delete,
            "chat.getPermalink": self.chat.permalink,
            "reactions.add": self.chat.react,
            "conversations.history": conversations.history,
            "conversations.replies": conversations.replies,
            "conversations.list": conversations.list,
            "conversations.info": conversations.info,
            "conversations.join": conversations.join,
            **self.back.methods,
        }
        self._app.router.add_route("*", "/api/{method}", self._serve)
        self.app_calls: dict[str, Callable[[str], Json]] = {}
        """Methods that another token than the bot's may call, by name: each gets the token."""
        self._app.router.add_post("/actions/{name}", self._serve_response)
        self._app.router.add_post("/services/{team}/{bot}/{secret}", self._serve_webhook)

    @property
    def base_url(self) -> str:
        """Return what a client takes for `https://slack.com/api/`."""
        return f"{self.origin}/api/"

    def webhook_url(self, channel: str) -> str:
        """Return the incoming webhook of a channel; by id or by name."""
        return self.origin + self._webhooks.path(channel)

    def response_url(self, channel: str, user: str, thread_ts: str = "") -> str:
        """Return an address that takes answers for one person in one channel."""
        return f"{self.origin}/actions/{self.back.address(channel, user, thread_ts)}"

    # ---------------------------------------------------------------- the Web API

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        try:
            args = await arguments_of(request)
        except Refusal as refusal:
            return self._refused(method, {}, refusal)
        token = _token_of(request, args)
        args.pop("token", None)
        found = self.workspace.find(str(args.get("channel") or ""))

        async def carry_out() -> web.Response:
            return self._carry_out(method, args, token)

        destination = found.id if found else ""
        return await self._answer(request, method, carry_out, destination=destination, args=args)

    def _carry_out(self, method: str, args: Json, token: str) -> web.Response:
        try:
            if (by_app := self.app_calls.get(method)) is not None:
                opened = by_app(token)
                self._note(Call(self.clock(), method, args, "ok"))
                return web.json_response({"ok": True, **opened})
            self._authorise(token)
            if method not in self._methods:
                raise Refusal("unknown_method")
            body = self._methods[method](args)
        except Refusal as refusal:
            return self._refused(method, args, refusal)
        self._note(Call(self.clock(), method, args, "ok"))
        return web.json_response({"ok": True, **body}, headers=self._scopes())

    def _refused(self, method: str, args: Json, refusal: Refusal) -> web.Response:
        self._note(Call(self.clock(), method, args, refusal.error, refusal.violation))
        told: Json = {"ok": False, "error": refusal.error, **refusal.more}
        if refusal.lines:
            told["errors"] = refusal.lines
            told["response_metadata"] = {"messages": [f"[ERROR] {one}" for one in refusal.lines]}
        if refusal.retry_after_s:
            return self._wait(self.limited_as, refusal.retry_after_s, self.waits_as_date)
        return web.json_response(told, headers=self._scopes())

    def _scopes(self) -> dict[str, str]:
        return {"X-OAuth-Scopes": ",".join(sorted(self.workspace.scopes))}

    def _authorise(self, token: str) -> None:
        if not token:
            raise Refusal("not_authed")
        if token != self._token:
            raise Refusal("invalid_auth")
        if self._token_error:
            raise Refusal(self._token_error)

    def _test(self, args: Json) -> Json:
        self._limits.call("auth.test")
        return {
            "url": self.origin,
            "team": "storm",
            "user": "stormfold",
            "team_id": "T0STORM",
            "user_id": "U0BOT",
            "bot_id": "B0STORM",
            "is_enterprise_install": False,
            **({"enterprise_id": self.back.organisation} if self.back.organisation else {}),
        }

    # ---------------------------------------------------------------- webhooks

    async def _serve_webhook(self, request: web.Request) -> web.StreamResponse:
        channel = self._webhooks.channel_of(request.match_info["secret"])
        try:
            args = await payload_of(request)
        except Refusal as refusal:
            return self._webhook_refused({}, refusal)

        async def carry_out() -> web.Response:
            try:
                self._webhooks.take(channel, args)
            except Refusal as refusal:
                return self._webhook_refused(args, refusal)
            self._note(Call(self.clock(), "webhook", args, "ok"))
            return web.Response(text="ok")

        destination = channel.id if channel else ""
        return await self._answer(request, "webhook", carry_out, destination=destination, args=args)

    async def _serve_response(self, request: web.Request) -> web.StreamResponse:
        try:
            args = await payload_of(request)
        except Refusal as refusal:
            return self._webhook_refused({}, refusal)

        async def carry_out() -> web.Response:
            word = self.back.respond(request.match_info["name"], args)
            self._note(Call(self.clock(), "response_url", args, word or "ok"))
            return web.Response(text=word or "ok", status=404 if word else 200)

        return await self._answer(request, "response_url", carry_out, args=args)

    def _webhook_refused(self, args: Json, refusal: Refusal) -> web.Response:
        self._note(Call(self.clock(), "webhook", args, refusal.error, refusal.violation))
        return answer_of(refusal)

    # ---------------------------------------------------------------- refusals on demand

    def _refusal(self, trouble: Trouble, method: str, destination: str, args: Json) -> web.Response:
        webhook = method == "webhook"
        if trouble.fault is Fault.REFUSED:
            refusal = Refusal(trouble.word)
            if webhook:
                return self._webhook_refused(args, refusal)
            return self._refused(method, args, refusal)
        if trouble.fault is not Fault.RATE_LIMITED_FLOOD:
            name = f"{'webhook' if webhook else 'post'} {destination}"
            if method not in ("webhook", "chat.postMessage"):
                name = method
            self._limits.refusal(name, trouble.retry_after_s)
        form = trouble.fault
        if webhook and form is Fault.RATE_LIMITED:
            self._note(Call(self.clock(), method, args, "rate_limited"))
            return answer_of(Refusal("ratelimited", retry_after_s=trouble.retry_after_s))
        self._note(Call(self.clock(), method, args, LIMITED_WORDS[form]))
        return self._wait(form, trouble.retry_after_s, trouble.as_date)

    def _wait(self, form: Fault, seconds: int, as_date: bool) -> web.Response:
        """Return the answer that asks to wait, in one of the forms that Slack has for it."""
        told: Json = {"ok": False, "error": LIMITED_WORDS[form]}
        if form is Fault.RATE_LIMITED_FLOOD:
            return web.json_response(told)
        if form is Fault.RATE_LIMITED_BODY:
            return web.json_response(told | {"retry_after": seconds}, status=429)
        return web.json_response(told, status=429, headers=self._wait_headers(seconds, as_date))


def _token_of(request: web.Request, args: Json) -> str:
    header = request.headers.get("Authorization", "")
    return header.removeprefix("Bearer ") if header else str(args.get("token") or "")
