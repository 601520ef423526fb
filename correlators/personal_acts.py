"""The act by which people say how they want to be told what is theirs. What it does is
`personal_telling`; it stands in every partition, since what is theirs may be in any."""

from __future__ import annotations

from correlators.act_base import ActBase
from correlators.personal import By, Deed


class TellMe(ActBase, frozen=True, kw_only=True, tag="tell_me", omit_defaults=True):
    """From now on, the person who is its subject is told personally by this.

    Raises:
        ValueError: there is no subject.
    """

    by: By | None = None
    """None: as the configuration says."""
    of: Deed | None = None
    """None: of all."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.subject:
            raise ValueError("expected who it is")

    @property
    def says(self) -> str:
        """What is chosen, in words."""
        by = self.by.value if self.by is not None else "as configured"
        return f"{self.of.value}: {by}" if self.of is not None else by
