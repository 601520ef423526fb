"""An event that looks like none before it, out of what a glance saw: nothing is read twice.

Lives here: the event as far as its signature and its incident ask for it. A frame is made when
somebody looks at it, since of a stack the newest few decide. Whatever is not written as usual is
left to the long way, `events.decode`, which says what a field means.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import cast, overload

from correlators.bare_stacks import Stack
from correlators.event_parts import (
    FRAMES_KEPT,
    exceptions_of,
    frame_of,
    level_of,
    message_of,
    name,
)
from correlators.events import (
    ENVIRONMENT_CHARS,
    ISSUE_ID_CHARS,
    NAME_CHARS,
    RELEASE_CHARS,
    SERVICE_CHARS,
    slug_in,
)
from correlators.types import Event, Frame
from correlators.wire import WireEvent, WireFrame, WireStack
from correlators.wire_glance import GlanceEvent


class LateFrames(Sequence[Frame]):
    """The frames of a stack, oldest first, each made when it is asked for."""

    __slots__ = ("_made", "_wire")

    def __init__(self, wire: Sequence[WireFrame]) -> None:
        """Args: wire: the frames as they came."""
        self._wire = wire
        self._made: list[Frame | None] = [None] * len(wire)

    def __len__(self) -> int:
        return len(self._wire)

    @overload
    def __getitem__(self, at: int) -> Frame: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Frame]: ...
    def __getitem__(self, at: int | slice) -> Frame | Sequence[Frame]:
        if isinstance(at, slice):
            wire = self._wire[at]
            return self if len(wire) == len(self._wire) else LateFrames(wire)
        made = self._made[at]
        if made is None:
            made = self._made[at] = frame_of(self._wire[at])
        return made

    def __reversed__(self) -> Iterator[Frame]:
        for at in range(len(self._wire) - 1, -1, -1):
            yield self[at]


def late_frames(stack: WireStack | None) -> tuple[Frame, ...]:
    """Return the frames, oldest first, as `event_parts.frames_of` does, but each made late."""
    if stack is None or not stack.frames:
        return ()
    wire = [frame for frame in stack.frames[-FRAMES_KEPT:] if frame is not None]
    return cast(tuple[Frame, ...], LateFrames(wire)) if wire else ()


class FirstSight:
    """Makes events of what a glance saw."""

    def __init__(self, default_environment: str, projects: Mapping[str, str]) -> None:
        """Args: as `events.decode` takes them."""
        self._default_environment = default_environment
        self._projects = projects

    def event(self, seen: GlanceEvent, stack: Stack) -> Event | None:
        """Return the event, with no more in it than its signature and its incident ask for; None
        where only the long way can tell.

        Args:
            seen: with a project, a link, a level and an issue, none of which a tag tells.
            stack: its exceptions.
        """
        project = name(str(seen.project), SERVICE_CHARS)
        issue_id = name(str(seen.issue_id), ISSUE_ID_CHARS)
        service = name(slug_in(seen.url or ""), SERVICE_CHARS)
        environment = name(seen.environment or self._default_environment, ENVIRONMENT_CHARS)
        release = name(seen.release, RELEASE_CHARS)
        if not (project and issue_id and service and environment and (release or not seen.release)):
            return None
        exceptions = exceptions_of(stack.given, late_frames)
        if not any(one.frames for one in exceptions) and len(seen.threads) + len(seen.stacktrace):
            return None
        return Event(
            project=project,
            event_id="",
            service=self._projects.get(project, service) if service == project else service,
            environment=environment,
            release=release,
            level=level_of(seen.level),
            platform=name(seen.platform, NAME_CHARS),
            logger=name(seen.logger, NAME_CHARS),
            transaction=name(seen.transaction, NAME_CHARS),
            culprit=name(seen.culprit, NAME_CHARS),
            message=message_of(cast(WireEvent, seen), with_title=not exceptions),
            exceptions=exceptions,
            issue_id=issue_id,
        )
