"""What a tool in Python needs beside the contract: trees, and answers to questions as Python has them.

Every question is recorded with its answer, and together they are what a kept output is valid for. What
goes wrong is a `Refusal` that says what and where; it ends the call unless the tool knows better.
"""

from componentize_py_types import Err
from wit_world.exports.handler import Refusal as WitRefusal
from wit_world.imports import environment, log, repository

HEAD = repository.Tree.HEAD
BASE = repository.Tree.BASE

# Each reason by the name of its class: what is said of it, and whether it has words of its own.
_REASONS = {
    "NotFound": ("there is nothing at this path", False),
    "NotAFile": ("this is not a file", False),
    "NotADirectory": ("this is not a directory", False),
    "InvalidPath": ("the path cannot be used: {}", True),
    "Outside": ("the path leads out of the repository", False),
    "NotGranted": ("the step does not let tools see this: {}", True),
    "TooLarge": ("the file is too large to be read whole ({} bytes)", True),
    "NoSuchTree": (
        "this step has nothing to compare with, so there is no base tree; ask for `head`",
        False,
    ),
    "InvalidPattern": ("the pattern cannot be used: {}", True),
    "Unreadable": ("it could not be read: {}", True),
}


class Refusal(Exception):
    """Why a call is not carried out, in a sentence or two that say what would work."""


def refused(refusal: Refusal) -> Err:
    """The refusal as the contract has it."""
    return Err(WitRefusal(str(refusal)))


def _asked(question, about, tree, *arguments):
    try:
        return question(tree, *arguments)
    except Err as err:
        name = type(err.value).__name__.rsplit("_", 1)[-1]
        text, has_words = _REASONS[name]
        if has_words:
            text = text.format(err.value.value)
        what = f"`{about}`" if about else "the repository's root"
        where = " in the base tree" if tree == BASE else ""
        raise Refusal(f"{what}{where}: {text}") from None


def read(path: str, tree=HEAD) -> bytes:
    """The bytes of a file, at most 16 MiB."""
    return _asked(repository.read, path, tree, path)


def read_text(path: str, tree=HEAD) -> str:
    """The text of a file."""
    try:
        return read(path, tree).decode()
    except UnicodeDecodeError:
        raise Refusal(f"`{path}`: this is not UTF-8 text") from None


def read_range(path: str, offset: int, length: int, tree=HEAD) -> bytes:
    """At most `length` bytes of a file from `offset` on."""
    return _asked(repository.read_range, path, tree, path, offset, length)


def stat(path: str, tree=HEAD):
    """What stands at a path, with `kind`, `size` and `executable`. Ask for one of them if one will do."""
    return _asked(repository.stat, path, tree, path)


def kind(path: str, tree=HEAD) -> str | None:
    """`file`, `directory` or `symlink`, or `None` where nothing stands."""
    found = _asked(repository.kind_of, path, tree, path)
    return None if found is None else found.name.lower()


def size(path: str, tree=HEAD) -> int:
    """The bytes of a file."""
    return _asked(repository.size_of, path, tree, path)


def is_executable(path: str, tree=HEAD) -> bool:
    """Whether a file may be executed."""
    return _asked(repository.is_executable, path, tree, path)


def list_directory(path: str, tree=HEAD) -> list:
    """The names in a directory, sorted, each with `name` and `kind`."""
    return _asked(repository.list_directory, path, tree, path)


def glob(*patterns: str, include_ignored=False, max_paths=20_000, tree=HEAD):
    """The files whose paths match any pattern: `paths`, sorted, and `truncated`."""
    query = repository.GlobQuery(list(patterns), include_ignored, max_paths)
    return _asked(repository.glob, ", ".join(patterns), tree, query)


def search(
    pattern: str,
    globs=(),
    literal=False,
    ignore_case=False,
    context_lines=0,
    max_matches=2_000,
    tree=HEAD,
):
    """The lines that match: `lines`, and `truncated`."""
    query = repository.SearchQuery(
        pattern, literal, ignore_case, list(globs), context_lines, max_matches
    )
    return _asked(repository.search, pattern, tree, query)


def variable(name: str) -> str | None:
    """The value of a variable that the step grants; `None` where it is not set."""
    return _asked(lambda _tree, name: environment.get(name), f"${name}", HEAD, name)


def info(line: str) -> None:
    """A line for the people who read the step's log."""
    log.write(log.Level.INFO, line)
