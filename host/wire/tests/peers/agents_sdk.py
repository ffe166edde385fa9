"""openai-agents: an agent with one tool, over WebSocket and over HTTP."""

import asyncio
import sys

from agents import Agent, RunConfig, Runner, function_tool, set_tracing_disabled
from agents.models.openai_provider import OpenAIProvider

set_tracing_disabled(True)


@function_tool
def read_file(path: str) -> str:
    """Reads a file."""
    print("called read_file", path)
    return "content"


async def main():
    for web_socket in (True, False):
        provider = OpenAIProvider(
            base_url=sys.argv[1],
            api_key="none",
            use_responses=True,
            use_responses_websocket=web_socket,
        )
        agent = Agent(name="tester", model="scripted", instructions="Test.", tools=[read_file])
        config = RunConfig(model_provider=provider)
        result = await Runner.run(agent, "hello", run_config=config)
        print("said", result.final_output)


asyncio.run(main())
