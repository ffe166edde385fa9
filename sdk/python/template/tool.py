"""The tool `my_tool`: counts the lines of a file."""

# All imports stand at the top: what is not there when the component is built cannot be had later.
import json

import stepwell
from wit_world import exports


class Handler(exports.Handler):
    """The tool."""

    def call(self, input: str) -> str:
        try:
            return json.dumps(my_tool(**json.loads(input)))
        except stepwell.Refusal as refusal:
            raise stepwell.refused(refusal)


def my_tool(path: str) -> dict:
    text = stepwell.read_text(path)
    return {"lines": len(text.splitlines())}
