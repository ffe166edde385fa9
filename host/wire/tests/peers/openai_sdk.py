"""The official Python SDK: a turn, its tool call, the turn after it, over both transports."""

import sys

from openai import OpenAI

TOOL = {"type": "function", "name": "read_file", "parameters": {"type": "object", "properties": {}}}
client = OpenAI(base_url=sys.argv[1], api_key="none", max_retries=0)
COMMON = {"model": "scripted", "tools": [TOOL]}


def over_web_socket(connection, **more):
    connection.response.create(**COMMON, store=False, **more)
    for event in connection:
        if event.type == "error":
            raise SystemExit(f"error: {event}")
        if event.type == "response.completed":
            return event.response


def over_http(**more):
    text = ""
    with client.responses.create(**COMMON, stream=True, **more) as events:
        for event in events:
            if event.type == "response.output_text.delta":
                text += event.delta
            if event.type == "response.completed":
                assert text in event.response.output_text, text
                return event.response


def converse(ask):
    first = ask(input="hello")
    call = next(item for item in first.output if item.type == "function_call")
    print("called", call.name, call.arguments)
    answer = {"type": "function_call_output", "call_id": call.call_id, "output": "{}"}
    second = ask(input=[answer], previous_response_id=first.id)
    print("said", second.output_text, second.usage.total_tokens > 0)


with client.responses.connect() as connection:
    converse(lambda **more: over_web_socket(connection, **more))
converse(over_http)
converse(lambda **more: client.responses.create(**COMMON, **more))
print("models", [model.id for model in client.models.list()])
