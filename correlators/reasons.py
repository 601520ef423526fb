"""Why something counts for sameness, and why something does not. The words are `explain` text."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Why(StrEnum):
    """Why a part counts."""

    CUSTOM = "the fingerprint that the SDK or a rule gives"
    RAISED = "type of the exception that was raised"
    CAUSE = "type of a cause in the chain"
    IN_APP = "newest in-app frame"
    CALLER = "its caller, because the frame before only checks or raises for others"
    GIVER = "its caller, because the type says that what was given is at fault"
    LITTLE = "its caller, because the frame before names no function"
    WORDS = "plain words of the message, because the newest frame raises whatever its caller says"
    RECURSION = "recurs: where the stack ran out is chance, so the frames of the cycle count"
    SYSTEM = "newest frames, because none is in-app"
    MESSAGE = "parameterised message, because there is no stack"
    MESSAGE_WITH_STACK = "parameterised message, because the stack only says where it was written"
    MESSAGE_UNNAMED = "parameterised message, because no frame names a function"
    PLACE = "the place, because there is neither exception, stack nor message"
    NOTHING = "the event says nothing about itself"


class Part(NamedTuple):
    """One part of a signature and why it counts."""

    text: str
    why: Why


class Dropped(StrEnum):
    """Why a frame or an exception does not count, though it stands where one would."""

    GENERATED = "generated code: a proxy, an accessor, a reflection or transpiler helper"
    BUILT_IN = "a built-in of the browser, which other browsers do not show"
    INLINED = "a comprehension, which newer releases of the language inline"
    SDK = "Sentry's own SDK, which was writing the report"
    RUNTIME = "the runtime's own library, which another release of it writes differently"
    RAISER = "it only raises, so it says nothing about what failed"
    GROUP = "only a wrapper: all that its exception group holds is one and the same failure"
    REPEATED = "the same failure is in the exception group already"
    CARRIER = "only carries its cause from another thread or through a reflective call"
    SYNTHETIC = "no type of the program: the SDK or the signal handler made it up"
    OLDER = "the chain is longer than what counts"


class Note(NamedTuple):
    """Something that was dropped and why."""

    text: str
    why: Dropped
