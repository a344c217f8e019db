"""The real Codex as a client, with a scripted model on the loopback: it delegates and waits.

Arguments: Codex's program, the server's program. The scripted agent waits for $GATE.
Prints as JSON what Codex reported and what the model was told.
"""

import http.server
import json
import os
import re
import subprocess
import sys
import tempfile
import threading

CODEX, PROGRAM = sys.argv[1:3]
GATE = os.environ["GATE"]
told: list[str] = []
problems: list[str] = []


class Model(http.server.BaseHTTPRequestHandler):
    """Calls codex_run, then codex_wait for the task it was given, then says so."""

    def log_message(self, *_):
        pass

    def reply(self, body: bytes, kind: str) -> None:
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.reply(b'{"models":[],"data":[]}', "application/json")

    def do_POST(self):
        length = int(self.headers.get("content-length", 0))
        request = json.loads(self.rfile.read(length) or b"{}")
        outputs = [item for item in request.get("input", [])
                   if item.get("type") == "function_call_output"]
        if outputs:
            told.append(json.dumps(outputs[-1]["output"]))
        if len(outputs) == 0:
            item = self.call(request, "codex_run", {"prompt": "Count the files."})
        elif len(outputs) == 1:
            task = re.search(r'task_id\W+([0-9a-f-]{36})', told[-1])
            if task is None:
                problems.append(f"no task id: {told[-1]}")
            given = {"task_ids": [task.group(1) if task else "none"]}
            threading.Timer(1.0, lambda: open(GATE, "w").close()).start()
            item = self.call(request, "codex_wait", given)
        else:
            item = {"type": "message", "role": "assistant", "id": "m",
                    "content": [{"type": "output_text", "text": "Delegated and done."}]}
        usage = {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}
        events = [
            {"type": "response.created", "response": {"id": "r"}},
            {"type": "response.output_item.done", "item": item},
            {"type": "response.completed", "response": {"id": "r", "usage": usage}},
        ]
        body = "".join(f"event: {e['type']}\ndata: {json.dumps(e)}\n\n" for e in events)
        self.reply(body.encode(), "text/event-stream")

    def call(self, request: dict, name: str, arguments: dict) -> dict:
        item = {"type": "function_call", "call_id": f"c-{name}", "name": name,
                "arguments": json.dumps(arguments)}
        for tool in request.get("tools", []):
            names = [inner.get("name") for inner in tool.get("tools", [])]
            if tool.get("type") == "namespace" and name in names:
                return item | {"namespace": tool["name"]}
            if tool.get("name", "").endswith(name):
                return item | {"name": tool["name"]}
        problems.append(f"{name} is not offered: {json.dumps(request.get('tools'))[:2000]}")
        return item


def main() -> None:
    model = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Model)
    threading.Thread(target=model.serve_forever, daemon=True).start()
    home = tempfile.mkdtemp(prefix="mc-codex-")
    work = os.path.join(home, "work")
    os.mkdir(work)
    subprocess.run(["git", "init", "-q", work], check=True)
    kept = ("PATH", "LANG")
    env = {name: os.environ[name] for name in kept if name in os.environ}
    env |= {"HOME": home, "CODEX_HOME": os.path.join(home, ".codex"), "SCRIPTED_KEY": "x"}
    os.mkdir(env["CODEX_HOME"])
    passed = {name: os.environ[name] for name in ("MISSION_CONTROL_HOME", "SCRIPTED_AGENT", "GATE")}
    variables = "\n".join(f'{name} = "{value}"' for name, value in passed.items())
    with open(os.path.join(env["CODEX_HOME"], "config.toml"), "w") as file:
        file.write(f'''
model = "gpt-5.2-codex"
model_provider = "scripted"
[model_providers.scripted]
name = "scripted"
base_url = "http://127.0.0.1:{model.server_address[1]}"
wire_api = "responses"
env_key = "SCRIPTED_KEY"
[mcp_servers.mission-control]
command = "{PROGRAM}"
args = ["--mcp"]
default_tools_approval_mode = "approve"
[mcp_servers.mission-control.env]
{variables}
[projects."{work}"]
trust_level = "trusted"
''')
    said = subprocess.run([CODEX, "exec", "--json", "Delegate it."], cwd=work, env=env,
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=90)
    model.shutdown()
    events = [json.loads(line) for line in said.stdout.splitlines() if line.startswith("{")]
    items = [event["item"] for event in events if event.get("type") == "item.completed"]
    calls = [item for item in items if item.get("type") == "mcp_tool_call"]
    seen = {
        "code": said.returncode,
        "calls": [[call.get("tool"), call.get("status")] for call in calls],
        "said": [item.get("text") for item in items if item.get("type") == "agent_message"],
        "told": told,
        "problems": problems,
        "stderr": said.stderr[-1500:],
    }
    json.dump(seen, sys.stdout)


main()
