"""openai-agents: an agent with one tool that reads a file, over WebSocket or over HTTP."""

import asyncio
import sys

from agents import Agent, RunConfig, Runner, function_tool, set_tracing_disabled
from agents.models.openai_provider import OpenAIProvider

set_tracing_disabled(True)


@function_tool
def read_file(path: str) -> str:
    """Reads a file."""
    with open(path, encoding="utf-8") as file:
        return file.read()


async def main(base_url, way):
    provider = OpenAIProvider(
        base_url=base_url,
        api_key="none",
        use_responses=True,
        use_responses_websocket=way == "websocket",
    )
    agent = Agent(name="bench", model="scripted", instructions="Look.", tools=[read_file])
    config = RunConfig(model_provider=provider)
    result = Runner.run_streamed(agent, "go", run_config=config, max_turns=100)
    async for _ in result.stream_events():
        pass
    print(result.final_output)


asyncio.run(main(sys.argv[1], sys.argv[2]))
