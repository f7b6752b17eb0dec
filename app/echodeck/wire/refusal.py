"""What is wrong with a payload, in words for people: the field, and what was expected there."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from typing import Any, Literal, get_args, get_origin, get_type_hints

from msgspec import Struct, ValidationError

from ..errors import BadField

_WORDS = {"`int`": "a whole number", "`float`": "a number", "`str`": "text", "`bool`": "true or false",
          "`array`": "a list", "`object`": "an object", "`null`": "nothing"}
ALIKE = 0.7
"""Names of which so much is the same are likely meant (difflib's ratio)."""
MOST_LETTERS = 60


def refusal(error: ValidationError, kind: type[Struct]) -> BadField:
    """What msgspec says of a payload of this kind ("Expected `int`, got `str` - at `$.width`"), by its field."""
    problem, _, path = str(error).partition(" - at `$")
    path = path.strip("`.")
    if "unknown field" in problem:
        name = problem.split("`")[1][:MOST_LETTERS]
        field = f"{path}.{name}" if path else name
        return BadField(field or "payload", _unknown(name, _fields(kind, path)))
    # A missing field is named in the sentence itself.
    field = path or (problem.split("`")[1] if "required field" in problem else "payload")
    return BadField(field, _in_words(problem, kind, field))


def _unknown(name: str, known: Sequence[str]) -> str:
    """With the name that was likely meant, else those there are."""
    alike = difflib.get_close_matches(_bare(name), {_bare(one): one for one in known}, 1, ALIKE)
    meant = next((one for one in known if [_bare(one)] == alike), None)
    return f"no such field; did you mean {meant!r}?" if meant else f"no such field; there are {', '.join(known)}"


def _bare(name: str) -> str:
    """Without case and underscores: job_id and jobid are jobId."""
    return name.replace("_", "").lower()


def _fields(kind: type[Struct], path: str) -> tuple[str, ...]:
    """The fields of the object at "jobs[0]", as the wire has them."""
    for name in re.sub(r"\[[^\]]*\]", "", path).split(".") if path else ():
        kind = _struct(get_type_hints(kind, include_extras=True).get(_python_name(name))) or kind
    return kind.__struct_encode_fields__


def _struct(hint: Any) -> type[Struct] | None:
    """The first kind of object that a field's type has in it."""
    if isinstance(hint, type) and issubclass(hint, Struct):
        return hint
    return next((found for part in get_args(hint) if (found := _struct(part)) is not None), None)


def _in_words(problem: str, kind: type, field: str) -> str:
    if problem.startswith("Invalid enum value"):
        name = _python_name(re.sub(r"\[[^\]]*\]$", "", field))  # an item of a list is named by its place: "allow[0]"
        choices = _choices(get_type_hints(kind, include_extras=True).get(name))
        return f"{problem[18:].strip()} is none of {', '.join(choices)}" if choices else problem
    if "required field" in problem:
        return "is missing"
    for word, plain_ in _WORDS.items():
        problem = problem.replace(word, plain_)
    return problem[:1].lower() + problem[1:]


def _python_name(field: str) -> str:
    return re.sub("[A-Z]", lambda letter: f"_{letter[0].lower()}", field)


def _choices(hint: Any) -> list[str]:
    """The words that a field may be."""
    if get_origin(hint) is Literal:
        return [str(one) for one in get_args(hint)]
    return [choice for part in get_args(hint) for choice in _choices(part)]
