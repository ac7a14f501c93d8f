"""A coding agent for tests that speaks the Agent Client Protocol. What it does depends on the prompt."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

sessions = {}
cancelled = False


def write(message):
    print(json.dumps({"jsonrpc": "2.0", **message}), flush=True)


def read():
    line = sys.stdin.readline()
    if not line:
        sys.exit(0)
    return json.loads(line)


def update(session, **fields):
    write({"method": "session/update", "params": {"sessionId": session, "update": fields}})


def say(session, text, kind="agent_message_chunk"):
    update(session, sessionUpdate=kind, content={"type": "text", "text": text})


def ask(method, params, number=900):
    write({"id": number, "method": method, "params": params})
    return read()


def permission(session, kind, claimed=""):
    update(session, sessionUpdate="tool_call", toolCallId="c1", title="tool", kind=kind)
    options = [
        {"optionId": "yes", "name": "Yes", "kind": "allow_once"},
        {"optionId": "always", "name": "Always", "kind": "allow_always"},
        {"optionId": "no", "name": "No", "kind": "reject_once"},
    ]
    params = {"sessionId": session, "toolCall": {"toolCallId": "c1", "kind": claimed}, "options": options}
    return ask("session/request_permission", params)["result"]["outcome"]


def prompt(number, session, text):
    stop = "end_turn"
    told = [line for line in text.splitlines() if line.startswith("|   ")]  # as the gateway frames it
    word = (told[-1] if told else text).split()[-1]
    if word == "hang":
        Path("hanging").write_text(str(os.getpid()))
        while read().get("method") != "session/cancel":
            pass
        stop = "cancelled"
    elif word == "deaf":
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        Path("deaf.part").write_text(f"{os.getpid()} {child.pid}")
        os.rename("deaf.part", "deaf")
        time.sleep(600)
    elif word == "exit":
        say(session, "half an answer")
        sys.exit(3)
    elif word == "rubbish":
        print("this is not JSON", flush=True)
    elif word == "flood":
        print("x" * 20_000_000, flush=True)
    elif word == "long":
        for _ in range(30):
            say(session, "x" * 100_000)
    elif word == "refuse":
        stop = "refusal"
    elif word == "lie":
        stop = "x\n2026-01-01 ERROR all is lost"
    elif word == "error":
        write({"id": number, "error": {"code": -32603, "message": "secret"}})
        return
    elif word.startswith("permit:"):
        say(session, "Let me look.")
        outcome = permission(session, *word.split(":")[1:])
        say(session, json.dumps(outcome))
    elif word == "files":
        say(
            session,
            json.dumps(ask("fs/read_text_file", {"sessionId": session, "path": "/etc/passwd"})["error"]),
        )
    elif word == "environment":
        say(session, json.dumps([sorted(os.environ), os.getcwd()]))
    else:
        say(session, "I think hard", "agent_thought_chunk")
        sessions[session].append(text)
        for part in ("You said: ", " / ".join(sessions[session])):
            say(session, part)
    write({"id": number, "result": {"stopReason": stop}})


while True:
    message = read()
    method, params = message.get("method"), message.get("params", {})
    if method == "initialize":
        sys.stderr.write("noise\n" * 100_000)
        version = int(os.environ.get("ACP_VERSION", "1"))
        write({"id": message["id"], "result": {"protocolVersion": version, "agentCapabilities": {}}})
    elif method == "session/new" and os.environ.get("ACP_AUTH"):
        write({"id": message["id"], "error": {"code": -32000, "message": "log in"}})
    elif method == "session/new":
        name = os.environ.get("ACP_SESSION") or f"s{len(sessions)}"
        sessions.setdefault(name, [])
        write({"id": message["id"], "result": {"sessionId": name}})
    elif method == "session/prompt":
        prompt(message["id"], params["sessionId"], params["prompt"][0]["text"])
