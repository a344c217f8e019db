"""The official Python SDK drives the server; prints what it saw as JSON.

Arguments: program, mode (`legacy` or `auto`). The scripted agent waits for the file $GATE.
"""

import json
import os
import sys
from typing import Any, Literal

import anyio
from mcp import Client, MCPError, StdioServerParameters
from mcp import types
from mcp.client.extension import ClientExtension, ResultClaim

PROGRAM, MODE = sys.argv[1:3]
GATE = os.environ["GATE"]
TASKS = "io.modelcontextprotocol/tasks"
seen: dict[str, Any] = {"notes": [], "states": []}


class Created(types.Result):
    """What a call that became a task answers."""

    result_type: Literal["task"] = "task"
    task_id: str
    status: str


class State(types.Result):
    """How a task stands."""

    status: str
    result: dict[str, Any] | None = None


class Tasks(ClientExtension):
    """Follows tasks until they end."""

    identifier = TASKS

    def claims(self):
        return [ResultClaim(result_type="task", model=Created, resolve=self.resolve)]

    async def resolve(self, created: Created, ctx: Any) -> types.CallToolResult:
        seen["task_id"] = created.task_id
        while True:
            get = types.Request[dict[str, Any], str](
                method="tasks/get", params={"taskId": created.task_id}
            )
            state = await ctx.session.send_request(get, State)
            seen["states"].append(state.status)
            open(GATE, "w").close()
            if state.status == "completed":
                return types.CallToolResult.model_validate(state.result)
            await anyio.sleep(0.2)


def server() -> StdioServerParameters:
    return StdioServerParameters(command=PROGRAM, args=["--mcp"], env=dict(os.environ))


async def note(message: Any) -> None:
    seen["notes"].append(str(message))


async def main() -> None:
    async with Client(server(), mode=MODE, message_handler=note) as client:
        seen["protocol"] = client.protocol_version
        seen["tools"] = [tool.name for tool in (await client.list_tools()).tools]
        seen["prompts"] = [prompt.name for prompt in (await client.list_prompts()).prompts]
        bad = await client.call_tool("codex_status", {"task_id": "none"})
        seen["bad"] = [bad.is_error, bad.content[0].text]
        started = await client.call_tool("codex_run", {"prompt": "Do it."})
        task = started.structured_content["task_id"]
        progress: list[float] = []

        async def told(value: float, total: float | None, message: str | None) -> None:
            progress.append(value)

        arguments = {"task_ids": [task], "timeout_seconds": 4}
        waited = await client.call_tool("codex_wait", arguments, progress_callback=told)
        seen["pending"] = waited.structured_content["pending"] == [task]
        seen["progress"] = progress
        with anyio.move_on_after(0.3) as scope:
            await client.call_tool("codex_wait", {"task_ids": [task]}, progress_callback=told)
        seen["cancelled"] = scope.cancelled_caught
        seen["progress_after_cancel"] = len(progress)
        status = await client.call_tool("codex_status", {"task_id": task})
        seen["status"] = status.structured_content["status"]
        open(GATE, "w").close()
        ended = await client.call_tool("codex_wait", {"task_ids": [task]})
        seen["final"] = ended.structured_content["tasks"][0]["final_message"]
        page = await client.read_resource(f"codex://task/{task}/result")
        seen["page"] = page.contents[0].text
        seen["progress_at_end"] = len(progress)
        try:
            await client.read_resource("codex://task/none/result")
        except MCPError as error:
            seen["missing"] = error.error.code
    if MODE == "auto":
        os.remove(GATE)
        async with Client(server(), mode=MODE, extensions=[Tasks()]) as client:
            result = await client.call_tool("codex_run", {"prompt": "As a task."})
            seen["task"] = result.structured_content["final_message"]


anyio.run(main)
json.dump(seen, sys.stdout)
