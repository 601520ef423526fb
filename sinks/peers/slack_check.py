"""What the checks of Slack's blocks share: places as JSON pointers, problems in Slack's words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True)
class Place:
    """Where in a message something stands, as a JSON pointer."""

    path: str

    def __truediv__(self, part: str | int) -> Place:
        return Place(f"{self.path}/{part}")


@dataclass
class Check:
    """Collects what is wrong."""

    problems: list[str] = field(default_factory=list)

    def say(self, what: str, at: Place) -> None:
        """Note one problem."""
        self.problems.append(f"{what} [json-pointer:{at.path}]")

    def only(self, value: Json, at: Place, *names: str) -> None:
        """Refuse every property that is none of these."""
        for name in value:
            if name not in names:
                self.say(f"invalid additional property: {str(name)[:40]}", at)

    def required(self, value: Json, at: Place, name: str) -> bool:
        """Return True when the property is there, else refuse."""
        if value.get(name) is not None:
            return True
        self.say(f"missing required field: {name}", at)
        return False

    def items(self, value: Any, at: Place, *, most: int | None) -> Iterator[tuple[Place, Any]]:
        """Return each item of a list of one up to `most`, with its place."""
        if not isinstance(value, list):
            self.say("must provide an array", at)
            return
        if not value:
            self.say("must have at least 1 item", at)
        if most is not None and len(value) > most:
            self.say(f"no more than {most} items allowed", at)
        for number, one in enumerate(value):
            yield at / number, one

    def chars(self, value: Any, at: Place, *, most: int, least: int = 1) -> None:
        """Refuse what is no string of `least` to `most` characters."""
        if not isinstance(value, str):
            self.say("must provide a string", at)
        elif len(value) < least:
            self.say(f"must be more than {least - 1} characters", at)
        elif len(value) > most:
            self.say(f"must be less than {most + 1} characters", at)

    def text(self, value: Any, at: Place, *, most: int) -> None:
        """Refuse what is no text object, or one too short or too long."""
        if not isinstance(value, dict):
            self.say("must provide an object", at)
            return
        match value.get("type"):
            case "plain_text":
                self.only(value, at, "type", "text", "emoji")
            case "mrkdwn":
                self.only(value, at, "type", "text", "verbatim")
            case kind:
                self.say(f"unsupported type: {str(kind)[:40]}", at / "type")
                return
        if self.required(value, at, "text"):
            self.chars(value["text"], at / "text", most=most)

    def plain(self, value: Any, at: Place, *, most: int) -> None:
        """Refuse what is no text object of plain text."""
        if isinstance(value, dict) and value.get("type") == "mrkdwn":
            self.say("must be a plain_text object", at / "type")
            return
        self.text(value, at, most=most)

    def one_of(self, value: Any, at: Place, *words: str) -> None:
        """Refuse what is none of these words."""
        if value not in words:
            self.say("must be a valid enum value", at)

    def url(self, value: Any, at: Place, *, most: int) -> None:
        """Refuse what is no address."""
        self.chars(value, at, most=most)
        if isinstance(value, str) and not value.startswith(("http://", "https://", "mailto:")):
            self.say("must be a valid URL", at)
