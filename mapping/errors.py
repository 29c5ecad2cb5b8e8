"""What can go wrong while mapping.

MappingError
├── DocumentError    a QuickBooks document cannot be read; callers turn it into a Finding
├── TemplateError    a schedule template is wrong; shown to whoever wrote it
└── BodyError        a request body must not be built: our own facts do not fit together
"""

from __future__ import annotations

from milestone_engine.finding import Finding


class MappingError(Exception):
    """Something does not map. Carries a stable code, a sentence, and where it was seen.

    Args:
        code: one word for programs and for the words of a Finding: `not_a_number`.
        message: one sentence that names the value.
        at: the place inside the document or template: `Line[2].Amount`, `milestones[2].basis`.
    """

    def __init__(self, code: str, message: str, *, at: str = "") -> None:
        super().__init__(f"{at}: {message}" if at else message)
        self.code = code
        self.message = message
        self.at = at

    def as_finding(self, subject: str) -> Finding:
        """Return this error as a Finding about `subject`: `estimate:1187`."""
        return Finding(
            code=self.code, subject=subject, facts={"message": self.message, "at": self.at}
        )


class DocumentError(MappingError):
    """A document from QuickBooks cannot be read. The document stops itself, not its Realm."""


class TemplateError(MappingError):
    """A schedule template is wrong."""


class BodyError(MappingError):
    """A request body must not be built: sending it would lose or overwrite something."""
