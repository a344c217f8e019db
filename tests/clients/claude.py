"""The real Claude Code in a terminal, with a scripted model on the loopback.

Arguments: Claude Code's program, the server's program. The scripted agent waits for $GATE.
Prints as JSON what the terminal showed and what the model was told.
"""

import http.server
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time

CLAUDE, PROGRAM = sys.argv[1:3]
GATE = os.environ["GATE"]
TOOL = "mcp__mission-control__codex_run"
KEY = "sk-ant-api03-" + "0" * 80
told: list[str] = []
n_calls = {"made": 0, "wanted": 0}


def events(content: list[dict], stop: str):
    """Yields a reply as server-sent events."""
    message = {
        "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-sonnet-4-5",
        "content": [], "stop_reason": None, "stop_sequence": None,
        "usage": {"input_tokens": 10, "output_tokens": 1},
    }
    yield "message_start", {"message": message}
    for at, block in enumerate(content):
        if block["type"] == "text":
            start = {"type": "text", "text": ""}
            delta = {"type": "text_delta", "text": block["text"]}
        else:
            start = block | {"input": {}}
            delta = {"type": "input_json_delta", "partial_json": json.dumps(block["input"])}
        yield "content_block_start", {"index": at, "content_block": start}
        yield "content_block_delta", {"index": at, "delta": delta}
        yield "content_block_stop", {"index": at}
    usage = {"output_tokens": 5}
    yield "message_delta", {"delta": {"stop_reason": stop, "stop_sequence": None}, "usage": usage}
    yield "message_stop", {}


class Model(http.server.BaseHTTPRequestHandler):
    """Calls the tool as often as wanted, then answers in words."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def reply(self, body: bytes, kind: str) -> None:
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_HEAD(self):
        self.reply(b"", "text/plain")

    def do_GET(self):
        self.reply(b'{"data":[]}', "application/json")

    def do_POST(self):
        length = int(self.headers.get("content-length", 0))
        request = json.loads(self.rfile.read(length) or b"{}")
        if "count_tokens" in self.path:
            return self.reply(b'{"input_tokens":10}', "application/json")
        if "messages" not in self.path:
            return self.reply(b"{}", "application/json")
        tools = [tool.get("name") for tool in request.get("tools", [])]
        content, stop = [{"type": "text", "text": "Understood."}], "end_turn"
        if TOOL in tools:
            told.append(json.dumps(request["messages"][-1]))
            if n_calls["made"] < n_calls["wanted"]:
                n_calls["made"] += 1
                given = {"prompt": "Count the files.", "title": f"Count {n_calls['made']}"}
                use = {"type": "tool_use", "id": f"toolu_{n_calls['made']}", "name": TOOL}
                content, stop = [use | {"input": given}], "tool_use"
        if request.get("stream"):
            body = "".join(
                f"event: {name}\ndata: {json.dumps({'type': name} | data)}\n\n"
                for name, data in events(content, stop)
            )
            return self.reply(body.encode(), "text/event-stream")
        message = {
            "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-sonnet-4-5",
            "content": content, "stop_reason": stop, "stop_sequence": None,
            "usage": {"input_tokens": 10, "output_tokens": 5},
        }
        return self.reply(json.dumps(message).encode(), "application/json")


def main() -> None:
    model = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Model)
    threading.Thread(target=model.serve_forever, daemon=True).start()
    home = tempfile.mkdtemp(prefix="mc-claude-")
    work = os.path.join(home, "work")
    os.mkdir(work)
    settings = {
        "hasCompletedOnboarding": True, "theme": "dark", "numStartups": 5,
        "customApiKeyResponses": {"approved": [KEY[-20:]], "rejected": []},
        "projects": {work: {"hasTrustDialogAccepted": True,
                            "hasCompletedProjectOnboarding": True}},
    }
    with open(os.path.join(home, ".claude.json"), "w") as file:
        json.dump(settings, file)
    config = os.path.join(home, "mcp.json")
    with open(config, "w") as file:
        json.dump({"mcpServers": {"mission-control": {
            "command": PROGRAM, "args": ["--mcp"]}}}, file)
    kept = ("PATH", "MISSION_CONTROL_HOME", "CODEX_HOME", "SCRIPTED_AGENT", "GATE", "LANG")
    env = {name: os.environ[name] for name in kept if name in os.environ}
    env |= {
        "HOME": home, "TERM": "xterm-256color", "LANG": "C.UTF-8", "ANTHROPIC_API_KEY": KEY,
        "ANTHROPIC_BASE_URL": f"http://127.0.0.1:{model.server_address[1]}",
        "DISABLE_TELEMETRY": "1", "DISABLE_AUTOUPDATER": "1", "DISABLE_ERROR_REPORTING": "1",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1", "ENABLE_TOOL_SEARCH": "false",
    }
    socket = os.path.join(home, "tmux")

    def tmux(*words: str) -> str:
        said = subprocess.run(["tmux", "-S", socket, *words], env=env, cwd=work,
                              capture_output=True, text=True)
        return said.stdout

    def screen() -> str:
        return tmux("capture-pane", "-p")

    def wait(what: str, limit: float = 30) -> str:
        end = time.monotonic() + limit
        while time.monotonic() < end:
            shown = screen()
            if re.search(what, shown):
                return shown
            time.sleep(0.1)
        raise SystemExit(f"not shown: {what}\n{screen()}\n{told}")

    seen = {}
    allowed = "mcp__mission-control__codex_run,mcp__mission-control__codex_wait"

    def start(*more: str) -> None:
        command = [CLAUDE, "--mcp-config", config, "--strict-mcp-config",
                   "--allowedTools", allowed, *more]
        tmux("new-session", "-d", "-x", "130", "-y", "40", *command)
        wait(r"❯|> ")

    def ask(text: str, n_more: int) -> None:
        n_calls["wanted"] += n_more
        tmux("send-keys", text)
        time.sleep(0.5)
        tmux("send-keys", "Enter")

    def let_go() -> None:
        open(GATE, "w").close()

    def woken(n_before: int, task: str) -> str:
        end = time.monotonic() + 30
        while time.monotonic() < end:
            for message in told[n_before:]:
                notices = message.split("<task-notification>")[1:]
                for notice in notices:
                    if f"MCP task {task} " in notice:
                        return notice
            time.sleep(0.1)
        raise SystemExit(f"not woken\n{screen()}")

    def footer() -> str:
        return screen().rstrip().rsplit("\n", 1)[-1]

    def wait_footer(what: str | None) -> None:
        end = time.monotonic() + 30
        while time.monotonic() < end:
            shown = re.search(r"\d MCP tasks?", footer())
            if (shown.group() if shown else None) == what:
                return
            time.sleep(0.1)
        raise SystemExit(f"the footer does not show {what}\n{screen()}")

    def open_tasks() -> list[dict]:
        said = subprocess.run([PROGRAM, "tasks", "--open", "--json"], env=env, cwd=work,
                              capture_output=True, text=True)
        return json.loads(said.stdout)["tasks"]

    try:
        start()
        time.sleep(3)
        ask("Delegate it.", 1)
        wait_footer("1 MCP task")
        seen["prompt_is_free"] = bool(re.search(r"(?m)^❯", screen()))
        tmux("send-keys", "Down")
        time.sleep(0.5)
        tmux("send-keys", "Enter")
        status = r"Status: +(working · .*)"
        seen["detail"] = re.search(status, wait(status)).group(1).strip()
        for _ in range(2):
            tmux("send-keys", "Escape")
            time.sleep(0.5)
        before, task = len(told), open_tasks()[0]["task_id"]
        let_go()
        seen["woken_with"] = woken(before, task)
        wait_footer(None)
        seen["footer_gone"] = True

        os.remove(GATE)
        ask("Delegate three.", 3)
        wait_footer("3 MCP tasks")
        first = open_tasks()[0]["task_id"]
        subprocess.run([PROGRAM, "cancel", first], env=env, cwd=work, capture_output=True)
        wait_footer("2 MCP tasks")
        let_go()
        wait_footer(None)
        seen["three_end_independently"] = True

        os.remove(GATE)
        time.sleep(1)
        ask("Delegate one more.", 1)
        wait_footer("1 MCP task")
        ask("/exit", 0)
        time.sleep(2)
        tmux("send-keys", "Enter")
        time.sleep(2)
        tmux("kill-server")
        seen["goes_on"] = len(open_tasks()) == 1
        start("--continue")
        wait_footer("1 MCP task")
        before, task = len(told), open_tasks()[0]["task_id"]
        let_go()
        seen["woken_again_with"] = woken(before, task)
    finally:
        tmux("kill-server")
        model.shutdown()
    json.dump(seen, sys.stdout)


main()
