"""The conformance tool in Python."""

import json

import stepwell
from wit_world import exports


class Handler(exports.Handler):
    """The tool."""

    def call(self, input: str) -> str:
        try:
            return json.dumps(conformance(**json.loads(input)))
        except stepwell.Refusal as refusal:
            raise stepwell.refused(refusal)


def conformance(ask: str, about: str, tree: str = "head", number: str = "100") -> dict:
    tree = stepwell.BASE if tree == "base" else stepwell.HEAD
    number = int(number)
    match ask:
        case "read":
            return {"text": stepwell.read_text(about, tree)}
        case "range":
            return {"text": stepwell.read_range(about, number, 5, tree).decode()}
        case "stat":
            found = stepwell.stat(about, tree)
            kind = found.kind.name.lower()
            return {"kind": kind, "size": found.size, "executable": found.executable}
        case "kind":
            return {"kind": stepwell.kind(about, tree)}
        case "size":
            return {"size": stepwell.size(about, tree)}
        case "executable":
            return {"executable": stepwell.is_executable(about, tree)}
        case "list":
            entries = stepwell.list_directory(about, tree)
            return {"entries": [{"name": e.name, "kind": e.kind.name.lower()} for e in entries]}
        case "glob":
            found = stepwell.glob(about, max_paths=number, tree=tree)
            return {"paths": found.paths, "truncated": found.truncated}
        case "search":
            found = stepwell.search(about, context_lines=1, max_matches=number, tree=tree)
            fields = ("path", "line", "text", "before", "after")
            lines = [{name: getattr(line, name) for name in fields} for line in found.lines]
            return {"lines": lines, "truncated": found.truncated}
        case "variable":
            return {"value": stepwell.variable(about)}
        case "log":
            stepwell.info(about)
            return {"logged": about}
        case "fill":
            return {"text": about * number}
        case "spin":
            while True:
                pass
        case _:
            raise stepwell.Refusal(about)
