"""QuickBooks' query language as a grammar, and the statement it reads into.

    SELECT * | COUNT(*) | field, ... FROM Entity [WHERE field op value [AND ...]]
        [ORDERBY field [ASC|DESC], ...] [STARTPOSITION n] [MAXRESULTS n]

Keywords and names are read in any case. Source: Intuit's page "Query operations and syntax".
"""

from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from lark import Lark, Token, Transformer, UnexpectedInput, v_args

from sandbox.errors import Fault

PAGE_DEFAULT = 100
PAGE_MAX = 1000
STATEMENT_MAX = 64_000

GRAMMAR = r"""
statement: "SELECT"i projection "FROM"i NAME where? order? tail*

projection: STAR ("," path)*   -> everything
    | COUNT                    -> count
    | path ("," path)*         -> fields

where: "WHERE"i condition ("AND"i condition)*
condition: path OPERATOR value                      -> compare
    | path "IN"i "(" value ("," value)* ")"         -> one_of
    | path "LIKE"i STRING                           -> like

order: ORDERBY key ("," key)*
key: path DIRECTION?
?tail: "STARTPOSITION"i INTEGER -> start
    | "MAXRESULTS"i INTEGER     -> size

path: NAME ("." NAME)*
value: STRING -> string
    | INTEGER -> number
    | NUMBER  -> number
    | TRUE    -> true
    | FALSE   -> false
    | TODAY   -> today

STAR: "*"
COUNT.2: /COUNT\s*\(\s*\*\s*\)/i
ORDERBY.2: /ORDER\s*BY/i
DIRECTION.2: /ASC\b|DESC\b/i
TRUE.2: /true\b/i
FALSE.2: /false\b/i
TODAY.2: /CURRENT_DATE\b/i
OPERATOR: "<=" | ">=" | "!=" | "=" | "<" | ">"
STRING: /'(\\.|[^'\\])*'/s
INTEGER: /-?\d+(?![\d.])/
NUMBER: /-?\d*\.\d+/
NAME: /[a-z_][a-z0-9_]*/i

%import common.WS
%ignore WS
"""

#: A value in a statement; TODAY stands for CURRENT_DATE.
Value = str | bool | Decimal
TODAY = "\0CURRENT_DATE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One comparison of a field with one value, or with several for IN."""

    path: str
    operator: str  #: =, !=, <, >, <=, >=, IN or LIKE
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One query, read."""

    entity: str
    is_count: bool = False
    fields: tuple[str, ...] = ()  #: blank is every field
    conditions: tuple[Condition, ...] = ()
    order: tuple[tuple[str, bool], ...] = ()  #: path and whether descending
    start: int = 1
    size: int = PAGE_DEFAULT


@v_args(inline=True)
class _Reader(Transformer[Token, Statement]):
    """Turns the parse tree into a Statement, leaves first."""

    def path(self, *names: Token) -> str:
        return ".".join(names)

    def string(self, quoted: Token) -> str:
        return unquoted(quoted)

    def number(self, digits: Token) -> Decimal:
        return Decimal(digits)

    def true(self, _: Token) -> bool:
        return True

    def false(self, _: Token) -> bool:
        return False

    def today(self, _: Token) -> str:
        return TODAY

    def compare(self, path: str, operator: Token, value: Value) -> Condition:
        return Condition(path=path, operator=str(operator), values=(value,))

    def one_of(self, path: str, *values: Value) -> Condition:
        return Condition(path=path, operator="IN", values=values)

    def like(self, path: str, pattern: Token) -> Condition:
        return Condition(path=path, operator="LIKE", values=(unquoted(pattern),))

    def where(self, *conditions: Condition) -> tuple[str, tuple[Condition, ...]]:
        return "conditions", conditions

    def key(self, path: str, direction: Token | None = None) -> tuple[str, bool]:
        return path, direction is not None and direction.upper() == "DESC"

    def order(self, _: Token, *keys: tuple[str, bool]) -> tuple[str, tuple[tuple[str, bool], ...]]:
        return "order", keys

    def start(self, count: Token) -> tuple[str, int]:
        return "start", int(count)

    def size(self, count: Token) -> tuple[str, int]:
        return "size", int(count)

    def everything(self, *_: object) -> tuple[str, object]:
        return "fields", ()

    def count(self, _: Token) -> tuple[str, object]:
        return "is_count", True

    def fields(self, *paths: str) -> tuple[str, object]:
        return "fields", paths

    def statement(
        self, projection: tuple[str, object], entity: Token, *parts: tuple[str, object]
    ) -> Statement:
        named = dict((projection, *parts))
        return Statement(entity=str(entity), **named)  # type: ignore[arg-type]  # names and types are the grammar's


_PARSER = Lark(GRAMMAR, start="statement", parser="lalr", maybe_placeholders=False)


def unquoted(quoted: str) -> str:
    """Return the text of a quoted string: a backslash keeps the character behind it as it is."""
    text, escaped = [], False
    for char in quoted[1:-1]:
        if char == "\\" and not escaped:
            escaped = True
            continue
        text.append(char)
        escaped = False
    return "".join(text)


@lru_cache(maxsize=512)
def read_statement(text: str) -> Statement:
    """Read one query.

    Raises:
        Fault: 4000 it does not read, 4001 a page that cannot be.
    """
    if len(text) > STATEMENT_MAX:
        raise Fault("4000", "Error parsing query", "QueryParserError: the statement is too long")
    try:
        statement = _Reader().transform(_PARSER.parse(text))
    except UnexpectedInput as exc:
        raise Fault(
            "4000", "Error parsing query", f"QueryParserError: {_where(text, exc)}"
        ) from None
    if statement.start < 1:
        raise invalid(f"value {statement.start} is too small. Min allowed value is 1")
    if not 1 <= statement.size <= PAGE_MAX:
        side = (
            "small. Min allowed value is 1"
            if statement.size < 1
            else f"large. Max allowed value is {PAGE_MAX}"
        )
        raise invalid(f"value {statement.size} is too {side}")
    return statement


def invalid(detail: str) -> Fault:
    """Return a 4001: the query reads but makes no sense."""
    return Fault("4001", "Invalid query", f"QueryValidationError: {detail}")


def _where(text: str, exc: UnexpectedInput) -> str:
    if exc.line < 1:
        return "Encountered <EOF>"
    seen = text[exc.pos_in_stream or 0 :][:20].split(" ")[0]
    return f'Encountered "{seen}" at line {exc.line}, column {exc.column}.'
