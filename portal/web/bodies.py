"""JSON from callers outside. Pure: bytes in, an object or a `BodyError` out. `portal.sync.webhook` says what it means."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any, NoReturn

from portal.sync.webhook import BodyError

LARGEST = 64 * 1024

_TOKEN = re.compile(rb'"token"\s*:\s*"([A-Za-z0-9_-]{20,200})"')


def read_object(raw: bytes) -> dict[str, Any]:
    """The JSON object of a body; raises `BodyError`."""
    try:
        document = json.loads(raw.decode("utf-8"), parse_constant=_no_constant, parse_float=Decimal,
                              object_pairs_hook=_without_doubles)
    except BodyError:
        raise
    except UnicodeDecodeError:
        raise BodyError(400, "", "The body is not UTF-8 text.") from None
    except (ValueError, RecursionError, ArithmeticError):
        raise BodyError(400, "", "The body is not valid JSON.") from None
    if not isinstance(document, dict):
        raise BodyError(422, "", "The body must be a JSON object.")
    return document


def token_of(raw: bytes) -> str | None:
    """The token in a body, also in one that is too large or not valid JSON."""
    found = _TOKEN.search(raw)
    return found.group(1).decode() if found else None


def _no_constant(name: str) -> NoReturn:
    raise BodyError(400, "", f"The body is not valid JSON: {name} is no JSON number.")


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)[:64]
        raise BodyError(422, twice, f"{twice}: is given twice.")
    return found
