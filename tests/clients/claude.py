"""The real Claude Code in a terminal, with a scripted model on the loopback.

Arguments: Claude Code's program, the server's program, and what to play: `tasks`, `statusline` or
`shells`. The scripted agent waits for $GATE. Prints as JSON what the terminal showed and what the
model was told.
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

CLAUDE, PROGRAM, SCENE = sys.argv[1:4]
GATE = os.environ["GATE"]
TOOL = "mcp__mission-control__codex_run"
KEY = "sk-ant-api03-" + "0" * 80
told: list[str] = []
calls: list[tuple[str, dict]] = []


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
    """Calls what is wanted, one tool after the other, then answers in words."""

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
        if "Bash" in tools:
            told.append(json.dumps(request["messages"][-1]))
            if calls and calls[0][0] in tools:
                name, given = calls.pop(0)
                use = {"type": "tool_use", "id": f"toolu_{len(told)}", "name": name}
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


class Terminal:
    """A home with Claude Code in it, and a terminal in which it runs."""

    def __init__(self, home: str, model_port: int):
        self.home = home
        self.work = os.path.join(self.home, "work")
        os.mkdir(self.work)
        state = {
            "hasCompletedOnboarding": True, "theme": "dark", "numStartups": 5,
            "customApiKeyResponses": {"approved": [KEY[-20:]], "rejected": []},
            "projects": {self.work: {"hasTrustDialogAccepted": True,
                                     "hasCompletedProjectOnboarding": True}},
        }
        self.write(".claude.json", json.dumps(state))
        kept = ("PATH", "MISSION_CONTROL_HOME", "CODEX_HOME", "SCRIPTED_AGENT", "GATE", "LANG")
        self.env = {name: os.environ[name] for name in kept if name in os.environ}
        self.env |= {
            "HOME": self.home, "TERM": "xterm-256color", "LANG": "C.UTF-8",
            "ANTHROPIC_API_KEY": KEY, "ANTHROPIC_BASE_URL": f"http://127.0.0.1:{model_port}",
            "DISABLE_TELEMETRY": "1", "DISABLE_AUTOUPDATER": "1", "DISABLE_ERROR_REPORTING": "1",
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1", "ENABLE_TOOL_SEARCH": "false",
        }

    def write(self, name: str, text: str) -> str:
        path = os.path.join(self.home, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as file:
            file.write(text)
        return path

    def read(self, name: str) -> str:
        with open(os.path.join(self.home, name)) as file:
            return file.read()

    def run(self, *words: str, **variables: str) -> str:
        """Runs the program under test, which has to succeed."""
        said = subprocess.run([PROGRAM, *words], env=self.env | variables, cwd=self.work,
                              capture_output=True, text=True)
        if said.returncode:
            raise SystemExit(f"{words} did not work\n{said.stderr}")
        return said.stdout

    def open_tasks(self) -> list[dict]:
        return json.loads(self.run("tasks", "--open", "--json"))["tasks"]

    def tmux(self, *words: str) -> str:
        said = subprocess.run(["tmux", "-S", os.path.join(self.home, "tmux"), *words],
                              env=self.env, cwd=self.work, capture_output=True, text=True)
        return said.stdout

    def start(self, *words: str) -> None:
        self.tmux("new-session", "-d", "-x", "130", "-y", "40", CLAUDE, *words)
        self.wait(r"❯|> ")

    def screen(self) -> str:
        return self.tmux("capture-pane", "-p")

    def footer(self) -> str:
        return self.screen().rstrip().rsplit("\n", 1)[-1]

    def until(self, what: str, look):
        """Returns what `look` finds, as soon as it finds something."""
        end = time.monotonic() + 30
        while time.monotonic() < end:
            if found := look():
                return found
            time.sleep(0.1)
        raise SystemExit(f"not seen: {what}\n{self.screen()}\n{told}")

    def wait(self, pattern: str) -> re.Match:
        return self.until(pattern, lambda: re.search(pattern, self.screen()))

    def wait_footer(self, pattern: str, wanted: str | None) -> None:
        """Waits until what the footer counts is as wanted."""
        def look() -> bool:
            shown = re.search(pattern, self.footer())
            return (shown.group() if shown else None) == wanted
        self.until(f"{wanted} in the footer", look)

    def ask(self, text: str, *wanted: tuple[str, dict]) -> None:
        calls.extend(wanted)
        self.type(text)
        self.tmux("send-keys", "Enter")

    def type(self, text: str) -> None:
        """Types a text until it stands there: keys get lost while the screen changes."""
        def typed() -> bool:
            self.tmux("send-keys", "-l", text)
            end = time.monotonic() + 5
            while time.monotonic() < end:
                if text in self.screen():
                    return True
                time.sleep(0.1)
            self.tmux("send-keys", "C-u")
            return False
        self.until(f"what was typed: {text}", typed)

    def close(self) -> None:
        """Leaves whatever stands over the prompt, a layer at a time."""
        while not self.is_free():
            before = self.screen()
            self.tmux("send-keys", "Escape")
            self.until("another screen", lambda: self.screen() != before)

    def woken(self, n_before: int, mark: str) -> str:
        """Waits for a notice that wakes the conversation."""
        def look() -> str | None:
            notices = [notice for message in told[n_before:]
                       for notice in message.split("<task-notification>")[1:]]
            return next((notice for notice in notices if mark in notice), None)
        return self.until(f"a notice about {mark}", look)

    def is_free(self) -> bool:
        # Prompts that were sent begin alike, but no rule is above them.
        return bool(re.search(r"(?m)^─+\n❯", self.screen()))


def let_go(gate: str = GATE) -> None:
    open(gate, "w").close()


def tasks(at: Terminal) -> dict:
    """Tasks of the server: seen in the footer, waking, found again."""
    seen = {}
    config = at.write("mcp.json", json.dumps({"mcpServers": {"mission-control": {
        "command": PROGRAM, "args": ["--mcp"]}}}))
    words = ["--mcp-config", config, "--strict-mcp-config",
             "--allowedTools", "mcp__mission-control__codex_run,mcp__mission-control__codex_wait"]
    n_calls = iter(range(1, 100))

    def calls_for(n: int):
        return [(TOOL, {"prompt": "Count the files.", "title": f"Count {next(n_calls)}"})
                for _ in range(n)]

    def wait_tasks(wanted: str | None) -> None:
        at.wait_footer(r"\d MCP tasks?", wanted)

    at.start(*words)
    at.ask("/mcp")
    at.wait("18 tools")
    at.close()
    at.ask("Delegate it.", *calls_for(1))
    wait_tasks("1 MCP task")
    seen["prompt_is_free"] = at.is_free()
    at.tmux("send-keys", "Down", "Enter")
    seen["detail"] = at.wait(r"Status: +(working · .*)").group(1).strip()
    at.close()
    before, task = len(told), at.open_tasks()[0]["task_id"]
    let_go()
    seen["woken_with"] = at.woken(before, f"MCP task {task} ")
    wait_tasks(None)
    seen["footer_gone"] = True

    os.remove(GATE)
    at.ask("Delegate three.", *calls_for(3))
    wait_tasks("3 MCP tasks")
    at.run("cancel", at.open_tasks()[0]["task_id"])
    wait_tasks("2 MCP tasks")
    let_go()
    wait_tasks(None)
    seen["three_end_independently"] = True

    os.remove(GATE)
    at.ask("Delegate one more.", *calls_for(1))
    wait_tasks("1 MCP task")
    at.ask("/exit")
    at.wait("Exit and stop tasks")
    at.tmux("send-keys", "Enter")
    at.until("the terminal's end", lambda: not at.tmux("list-sessions"))
    seen["goes_on"] = len(at.open_tasks()) == 1
    at.start("--continue", *words)
    wait_tasks("1 MCP task")
    before, task = len(told), at.open_tasks()[0]["task_id"]
    let_go()
    seen["woken_again_with"] = at.woken(before, f"MCP task {task} ")
    return seen


def statusline(at: Terminal) -> dict:
    """The installed status line, around one that was there."""
    own = json.dumps({"statusLine": {"type": "command", "command": "sed 's/.*/own line/'"}})
    at.write(".claude/settings.json", own)
    installed = at.run("mcp", "install", "--client", "claude", "--statusline", "--json")
    ours = r"Codex: 1 running · .*"

    def is_gone() -> bool:
        return not re.search("Codex: ", at.screen())

    def shown() -> str | None:
        found = re.search(ours, at.screen())
        return found and found.group().rstrip()

    at.start()
    at.wait("own line")
    seen = {"installed": json.loads(installed)["clients"][0], "nothing_before": is_gone()}
    at.run("run", "--title", "Count the files", "Count.")
    seen["first"] = at.until("our line", shown)
    seen["below"] = at.screen().rstrip().split("\n")[-3:]
    seen["then"] = at.until("another text", lambda: (shown() or "") not in ("", seen["first"]) and shown())
    let_go()
    at.until("our line gone", is_gone)
    seen["own_stays"] = "own line" in at.screen()
    at.run("mcp", "remove", "--client", "claude")
    seen["given_back"] = at.read(".claude/settings.json") == own
    return seen


def shells(at: Terminal) -> dict:
    """Two background shells that wait for a task each."""
    seen = {"woken_by": [], "output": []}
    other = at.write("script", open(at.env["SCRIPTED_AGENT"]).read()
                     .replace(GATE, GATE + "-2").replace("All done.", "Both done."))
    ids = [json.loads(at.run("run", "--json", "Count.", **more))["task_id"]
           for more in ({}, {"SCRIPTED_AGENT": other})]
    # The auto mode asks a server that is not here.
    at.start("--permission-mode", "manual", "--allowedTools", f"Bash({PROGRAM} wait:*)")
    at.ask("Wait for both.", *(
        ("Bash", {"command": f"{PROGRAM} wait {id}", "run_in_background": True,
                  "description": f"Waiting for {id}"}) for id in ids))
    at.wait_footer(r"\d shells?", "2 shells")
    at.until("the idle prompt", lambda: not calls and "● Understood." in at.screen())
    seen["prompt_is_free"] = at.is_free()
    for id, gate, wanted in ((ids[1], GATE + "-2", "1 shell"), (ids[0], GATE, None)):
        before = len(told)
        let_go(gate)
        notice = at.woken(before, f"Waiting for {id}")
        at.wait_footer(r"\d shells?", wanted)
        seen["woken_by"].append(re.search("<summary>(.*?)</summary>", notice).group(1))
        output = re.search("<output-file>(.*?)</output-file>", notice).group(1)
        seen["output"].append(open(output).read())
    return seen


def main() -> None:
    model = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Model)
    threading.Thread(target=model.serve_forever, daemon=True).start()
    play = {"tasks": tasks, "statusline": statusline, "shells": shells}[SCENE]
    # Claude Code may still write while it ends.
    with tempfile.TemporaryDirectory(prefix="mc-claude-", ignore_cleanup_errors=True) as home:
        terminal = Terminal(home, model.server_address[1])
        try:
            seen = play(terminal)
        finally:
            terminal.tmux("kill-server")
            model.shutdown()
    json.dump(seen, sys.stdout)


main()
