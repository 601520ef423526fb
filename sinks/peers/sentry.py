"""A local Sentry's API, as much of it as changing issues needs: issues, teams, tokens, limits.

What a change does to an issue stands in `sentry_store`; here: the server, who may, how often, and
what a test can switch.

Source: docs.sentry.io/api: authentication, permissions, rate limits (a fixed window for each caller
and endpoint and a number of calls at once, told in every answer's `X-Sentry-Rate-Limit-*`), update
an issue, retrieve a team. What no token may see is answered as if it were not there.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from functools import partial
from http import HTTPStatus
from typing import Final

from aiohttp import web

from sinks.peers.faults import Fault, Trouble
from sinks.peers.sentry_counts import hours
from sinks.peers.sentry_store import Issue, changed, wrong
from sinks.peers.serve import Call, Clock, Json, Peer, http_date

__all__ = ["Issue", "SentryPeer"]

SCOPES: Final = ("event:read", "event:write", "team:read", "org:read")
BODY_BYTES: Final = 64 * 1024


class SentryPeer(Peer):
    """One Sentry with organisations, each with one token.

    Args:
        tokens: by the organisation's slug.
        teams: the number of each team by its slug; every organisation has them.
        people: the number of each person by user name.
        calls_per_window: accepted in one window of `window_s` for each token and endpoint.
        at_once: how many calls of one token may run.
        port: 0 takes a free one.
        clock: seconds; windows follow it.
        seed: of the faults that meet a share of the calls.
    """

    def __init__(
        self,
        *,
        tokens: Mapping[str, str],
        teams: Mapping[str, int] | None = None,
        people: Mapping[str, int] | None = None,
        calls_per_window: int = 5,
        window_s: int = 1,
        at_once: int = 25,
        host: str = "127.0.0.1",
        port: int = 0,
        clock: Clock = time.time,
        seed: int = 0,
    ) -> None:
        super().__init__(host=host, port=port, clock=clock, max_body_bytes=BODY_BYTES, seed=seed)
        self.issues: dict[tuple[str, str], Issue] = {}
        self._tokens = {token: slug for slug, token in tokens.items()}
        self._revoked: set[str] = set()
        self._scopes = set(SCOPES)
        self._teams = {slug: str(number) for slug, number in (teams or {}).items()}
        self._people = {name: str(number) for name, number in (people or {}).items()}
        self._calls, self._window_s, self._at_once = calls_per_window, window_s, at_once
        self._used: dict[tuple[str, str], tuple[int, int]] = {}
        self._running: dict[str, int] = {}
        self._silent_until: dict[str, float] = {}
        router = self._app.router
        for path in ("/api/0/organizations/{slug}/issues/{issue}/", "/api/0/issues/{issue}/"):
            router.add_put(path, self._put)
            router.add_get(path, self._get)
        router.add_get("/api/0/teams/{slug}/{team}/", self._team)
        router.add_get("/api/0/organizations/{slug}/stats_v2/", self._stats)
        self.counts: dict[str, int] = {}
        """Errors by outcome, in every hour that is asked for."""

    @property
    def base_url(self) -> str:
        """Return what a client takes for `https://sentry.io`."""
        return self.origin

    # ---------------------------------------------------------------- what a test can switch

    def add_issue(self, issue_id: str, organisation: str = "") -> Issue:
        """Return the issue of this number, made where there is none."""
        slug = organisation or next(iter(self._tokens.values()))
        return self.issues.setdefault((slug, issue_id), Issue(issue_id, slug))

    def merge_issue(self, issue_id: str) -> None:
        """Merge it into another one: this number is known to nobody any more."""
        for one in self.issues.values():
            one.merged = one.merged or one.id == issue_id

    def number_team(self, slug: str, number: int) -> None:
        """Give a team another number, as one has that was deleted and made again."""
        self._teams[slug] = str(number)

    def revoke_token(self, organisation: str) -> None:
        """Let the token of an organisation be refused."""
        self._revoked.add(organisation)

    def restore_token(self, organisation: str) -> None:
        """Let it be taken again."""
        self._revoked.discard(organisation)

    def take_scope(self, scope: str) -> None:
        """Take a scope from every token."""
        self._scopes.discard(scope)

    def give_scope(self, scope: str) -> None:
        """Give it back."""
        self._scopes.add(scope)

    # ---------------------------------------------------------------- HTTP

    async def _put(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        return await self._called(
            request, "issue.put", "event:write", lambda: self._change(request, raw)
        )

    async def _get(self, request: web.Request) -> web.StreamResponse:
        show = partial(self._show, request)
        return await self._called(request, "issue.get", "event:read", show)

    async def _team(self, request: web.Request) -> web.StreamResponse:
        return await self._called(
            request, "team.get", "team:read", lambda: self._show_team(request)
        )

    async def _stats(self, request: web.Request) -> web.StreamResponse:
        return await self._called(
            request, "stats.get", "org:read", lambda: hours(request.query, self.counts)
        )

    async def _called(
        self,
        request: web.Request,
        method: str,
        scope: str,
        apply: Callable[[], tuple[int, object]],
    ) -> web.StreamResponse:
        """Return the answer to a call: who it is, how often, whether it may, what it does."""
        told = request.headers.get("Authorization", "").removeprefix("Bearer ")
        slug = self._tokens.get(told, "")
        args: Json = dict(request.match_info)

        async def carry_out() -> web.Response:
            if not slug or slug in self._revoked:
                return self._said(method, args, 401, {"detail": "Invalid token"})
            self._running[slug] = self._running.get(slug, 0) + 1
            try:
                limited = self._limited(method, slug, args)
                if limited is not None:
                    return limited
                if scope not in self._scopes:
                    denied = {"detail": "You do not have permission to perform this action."}
                    return self._said(method, args, 403, denied, slug)
                if request.match_info.get("slug", slug) != slug:
                    return self._said(method, args, 404, _NOT_THERE, slug)
                status, body = apply()
                return self._said(method, args, status, body, slug)
            finally:
                self._running[slug] -= 1

        return await self._answer(request, method, carry_out, destination=slug, args=args)

    def _change(self, request: web.Request, raw: bytes) -> tuple[int, object]:
        issue = self._issue(request)
        if issue is None:
            return 404, _NOT_THERE
        try:
            asked = json.loads(raw)
        except ValueError:
            return 400, {"detail": "JSON parse error"}
        if not isinstance(asked, dict):
            return 400, {"detail": "Invalid data. Expected a dictionary."}
        actors = {f"team:{number}": f"team:{number}" for number in self._teams.values()}
        for name, number in self._people.items():
            actors |= dict.fromkeys((name, f"user:{number}"), f"user:{number}")
        if errors := wrong(asked, actors):
            return 400, errors
        changed(issue, asked, actors, self.clock())
        issue.assignee_name = self._name_of(issue.assignee)
        return 200, issue.shown()

    def _name_of(self, actor: str) -> str:
        kind, _, number = actor.partition(":")
        known = self._teams if kind == "team" else self._people
        return next((name for name, one in known.items() if one == number), "")

    def _show(self, request: web.Request) -> tuple[int, object]:
        issue = self._issue(request)
        return (404, _NOT_THERE) if issue is None else (200, issue.shown())

    def _show_team(self, request: web.Request) -> tuple[int, object]:
        number = self._teams.get(request.match_info["team"])
        if number is None:
            return 404, _NOT_THERE
        return 200, {"id": number, "slug": request.match_info["team"]}

    def _issue(self, request: web.Request) -> Issue | None:
        told = request.headers.get("Authorization", "").removeprefix("Bearer ")
        found = self.issues.get((self._tokens[told], request.match_info["issue"]))
        return None if found is None or found.merged else found

    # ---------------------------------------------------------------- limits and answers

    def _limited(self, method: str, slug: str, args: Json) -> web.Response | None:
        """Return the refusal of a call that comes too often, None where it does not."""
        now = self.clock()
        window = int(now // self._window_s)
        known, used = self._used.get((slug, method), (window, 0))
        self._used[slug, method] = (window, used + 1 if known == window else 1)
        inside = now < self._silent_until.get(slug, 0.0)
        over = self._used[slug, method][1] > self._calls
        if not inside and not over and self._running[slug] <= self._at_once:
            return None
        violation = "inside_penalty" if inside else ""
        self._note(Call(now, method, args, "rate_limited", violation))
        says = f"You are attempting to use this endpoint too frequently. Limit is {self._calls}"
        return web.json_response(
            f"{says} requests in {self._window_s} seconds",
            status=429,
            headers=self._headers(method, slug),
        )

    def _headers(self, method: str, slug: str) -> dict[str, str]:
        window, used = self._used.get((slug, method), (int(self.clock() // self._window_s), 0))
        return {
            "X-Sentry-Rate-Limit-Limit": str(self._calls),
            "X-Sentry-Rate-Limit-Remaining": str(max(0, self._calls - used)),
            "X-Sentry-Rate-Limit-Reset": str((window + 1) * self._window_s),
            "X-Sentry-Rate-Limit-ConcurrentLimit": str(self._at_once),
            "X-Sentry-Rate-Limit-ConcurrentRemaining": str(
                max(0, self._at_once - self._running.get(slug, 0))
            ),
            "Date": http_date(int(self.clock())),
        }

    def _said(
        self, method: str, args: Json, status: int, body: object, slug: str = ""
    ) -> web.Response:
        outcome = "ok" if status < 300 else str(status)
        self._note(Call(self.clock(), method, args, outcome))
        headers = self._headers(method, slug) if slug else {"Date": http_date(int(self.clock()))}
        return web.json_response(body, status=status, headers=headers)

    def _refusal(self, trouble: Trouble, method: str, destination: str, args: Json) -> web.Response:
        """Return a refusal on demand; the word of REFUSED is a status."""
        if trouble.fault is Fault.REFUSED:
            status = HTTPStatus(int(trouble.word))
            return self._said(method, args, status.value, {"detail": status.phrase}, destination)
        self._note(Call(self.clock(), method, args, "rate_limited"))
        headers = self._headers(method, destination)
        until = self.clock() + trouble.retry_after_s
        if trouble.fault is Fault.RATE_LIMITED:
            headers |= self._wait_headers(trouble.retry_after_s, trouble.as_date)
        else:
            until = float(int(until))
            headers["X-Sentry-Rate-Limit-Reset"] = str(int(until))
        self._silent_until[destination] = until
        return web.json_response("too frequently", status=429, headers=headers)


_NOT_THERE: Final = {"detail": "The requested resource does not exist"}
