"""Options that several commands share, and the types their values are parsed into."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.types import FuncParamType

from hybridobs.contract import ENV_PREFIX

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    _FuncType = FuncParamType[str, Any]
else:
    _FuncType = FuncParamType  # which is generic for a type checker, and not in every click

DEFAULT_STORE = "sqlite:///hybridobs.db"

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_AGE = re.compile(r"([0-9]{1,9})([smhdw])")

_Command = TypeVar("_Command", bound=Callable[..., Any])


def offering(words: Callable[[], Iterable[str]]) -> Callable[[click.Context, click.Parameter, str], list[str]]:
    """``shell_complete`` of a parameter: those of the words that begin as typed. They are made when a shell asks."""

    def complete(_: click.Context, __: click.Parameter, typed: str) -> list[str]:
        return [word for word in words() if word.startswith(typed)]

    return complete


def offering_several(words: Callable[[], Iterable[str]]) -> Callable[[click.Context, click.Parameter, str], list[str]]:
    """The same for words with commas between: none is offered twice."""

    def complete(_: click.Context, __: click.Parameter, typed: str) -> list[str]:
        before, comma, begun = typed.rpartition(",")
        given = before.split(",")
        return [f"{before}{comma}{word}" for word in words() if word.startswith(begun) and word not in given]

    return complete


class _Offered(_FuncType):
    """A type that a shell can complete, wherever it is used."""

    def __init__(
        self,
        parse: Callable[[str], Any],
        complete: Callable[[click.Context, click.Parameter, str], list[str]],
    ) -> None:
        super().__init__(parse)
        self._complete = complete

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem

        return [CompletionItem(word) for word in self._complete(ctx, param, incomplete)]


def moment(text: str) -> int:
    """A point in time as Unix seconds: an age (``90s``, ``15m``, ``1h``, ``2d``, ``1w``) or an ISO 8601 date (UTC)."""
    if age := _AGE.fullmatch(text):
        return max(0, int(time.time()) - int(age[1]) * _UNITS[age[2]])
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(f"{text!r} is neither an age (15m, 1h, 2d) nor a date (2026-11-23T16:00)") from None
    return max(0, int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()))


def duration(text: str) -> timedelta:
    """A length of time: ``90s``, ``15m``, ``1h``, ``2d``, ``1w``."""
    if not (age := _AGE.fullmatch(text)):
        raise click.BadParameter(f"{text!r} is no length of time, for example 12h, 7d or 4w")
    return timedelta(seconds=int(age[1]) * _UNITS[age[2]])


def labels(known: Sequence[str]) -> click.ParamType[Any]:
    """A type: names out of ``known`` with commas between; ``all`` or nothing is no name."""

    def parse(text: str) -> tuple[str, ...]:
        names = tuple(dict.fromkeys(name for part in text.split(",") if (name := part.strip())))
        return () if names == ("all",) else tuple(_known(name, known) for name in names)

    return _Offered(parse, offering_several(lambda: known))


def pair(known: Sequence[str]) -> click.ParamType[Any]:
    """A type: ``label=value`` for a label out of ``known``."""

    def parse(text: str) -> tuple[str, str]:
        label, equals, value = text.partition("=")
        if not equals:
            raise click.BadParameter(f"{text!r} is not label=value, for example tier=device")
        if not value:
            raise click.BadParameter(f"{text!r} has no value; name one, or 'unknown' where a label was never set")
        return _known(label, known), value

    return _Offered(parse, offering(lambda: (f"{label}=" for label in known)))


def each_once(_: click.Context, __: click.Parameter, pairs: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    """A callback of options that take pairs: no label has two values, of which one would be forgotten."""
    names = [label for label, _ in pairs]
    if twice := [label for label in dict(pairs) if names.count(label) > 1]:
        raise click.BadParameter(f"gives {twice[0]!r} two values; give it one")
    return pairs


_NARROWED = "Only series with this label; give it again for another label."


def where_option(known: Sequence[str], told: str = _NARROWED, *, name: str = "LABEL") -> Callable[[_Command], _Command]:
    """``--where LABEL=VALUE`` for labels out of ``known``, each once."""
    return click.option(
        "--where", type=pair(known), multiple=True, callback=each_once, metavar=f"{name}=VALUE", help=told
    )


def _known(label: str, known: Sequence[str]) -> str:
    if label not in known:
        raise click.BadParameter(f"{label!r} is not a label{nearest(label, known)} The labels are: {', '.join(known)}")
    return label


def nearest(name: str, known: Sequence[str]) -> str:
    """``, did you mean 'x'?`` where a known name is close, else a full stop."""
    import difflib

    close = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    return f", did you mean {' or '.join(repr(item) for item in close)}?" if close else "."


def store_option(command: _Command) -> _Command:
    """``--store URL``, from HYBRIDOBS_STORE where it is not given."""
    return click.option(
        "--store",
        metavar="URL",
        envvar=f"{ENV_PREFIX}STORE",
        show_envvar=True,
        default=DEFAULT_STORE,
        show_default=True,
        help="The store: sqlite:///file.db or postgresql+psycopg://user@host/name; kpi and slo also ask a collector "
        "(http://host:4318) or a Prometheus (prometheus+http://host:9090).",
    )(command)


def text_or_json_option(command: _Command) -> _Command:
    """``--format text|json`` of what lists things."""
    return click.option(
        "--format",
        "form",
        type=click.Choice(("text", "json")),
        default="text",
        show_default=True,
        help="Lines for a person, or JSON with everything.",
    )(command)


def no_color_option(command: _Command) -> _Command:
    """``--no-color``: plain text even on a terminal."""

    def apply(ctx: click.Context, _: click.Parameter, value: bool) -> None:
        if value:
            ctx.color = False

    return click.option(
        "--no-color",
        is_flag=True,
        expose_value=False,
        is_eager=True,
        callback=apply,
        help="Plain text, as with the environment variable NO_COLOR.",
    )(command)
