"""Small inputs that fail or failed somewhere, each a folder with the right outcome.

`case.json` holds a config (JSON5 text), steps and what must hold afterwards; `why.md` says why that is right.
A folder with `check.py` is a program that fails where the fault is. The folders are read from the environment
variable `CASES`, or from `tests/cases`.

Steps are raw items as the platform would push them (`push`, with `group`, `cmd`, `as` and `then`, the seconds
to wait), commands (`cli`), people who join (`person`) and waits (`wait`). In items `$LAN $HUNG $ME $GROUP
$NOW $NOW_S $ID:x $CLI:x` are filled in (the ids of the item pushed `as` x; `#$ID:x` as a number), and "$DROP"
leaves a field out.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from demo.stage import PATIENCE, Gateway, Operator, Simulator, simulator
from end_to_end.steps import RECORDING, log_in

DEFAULT_FOLDER = Path(__file__).parent.parent / "cases"
EVERYBODY = (
    "{ channels: { zalouser: { dmPolicy: 'open', allowFrom: ['*'], groupPolicy: 'open',"
    " groupAllowFrom: ['*'], groups: { '*': { requireMention: false } }, pacing: { enabled: false } } } }"
)
"""The config of a case without one: everybody is answered at once."""

_DROP = "$DROP"
_SETTLE_S = 1.0
_THEN_S = 0.3
_LOOK_EVERY_S = 0.2
_PERSON, _OTHER, _GROUP = "Trần Thị Lan", "Lê Văn Hùng", "Nhóm Làm Việc"


def folder() -> Path:
    """Where the cases are."""
    return Path(os.environ.get("CASES") or DEFAULT_FOLDER)


def names() -> list[str]:
    """The cases there are."""
    return sorted(
        {path.parent.name for name in ("case.json", "check.py") for path in folder().glob(f"*/{name}")}
    )


@dataclass(slots=True)
class Outcome:
    """What a case led to, as its expectations ask for it."""

    sent: list[str]
    turns: list[dict[str, Any]]
    printed: list[str]

    def wrong(self, expect: dict[str, Any]) -> list[str]:
        """The expectations that do not hold, each with what was there instead."""
        return [
            f"{key}: wanted {want!r}, got {self._got(key)!r}"
            for key, want in expect.items()
            if not self._holds(key, want)
        ]

    def _holds(self, key: str, want: Any) -> bool:
        got = self._got(key)
        match key.partition("_")[2]:
            case "count":
                return bool(got == want)
            case "lacks":
                return all(word not in got for word in want)
            case "has":
                return all(word in got for word in want)
            case "has_any":
                return any(word in got for word in want)
        raise ValueError(f"no such expectation: {key}")

    def _got(self, key: str) -> Any:
        what, _, how = key.partition("_")
        if how == "count":
            return {"sent": len(self.sent), "turns": len(self.turns)}[what]
        return {
            "sent": "\n".join(self.sent),
            "turns": "\n".join(turn["text"] for turn in self.turns),
            "cli": "\n".join(self.printed),
            "context": "\n".join(turn["context"] for turn in self.turns),
            "quotes": json.dumps([turn["quote"] for turn in self.turns], ensure_ascii=False),
        }[what]


@dataclass(slots=True)
class Stage:
    """A simulator, an operator, and a gateway whose agent prints what it is given."""

    sim: Simulator
    operator: Operator
    gateway: Gateway | None
    people: dict[str, str]
    group: str
    me: str
    pushed: dict[str, dict[str, Any]] = field(default_factory=dict)
    printed: list[str] = field(default_factory=list)
    last_id: int = 7_000_000_000_000

    def take(self, step: dict[str, Any]) -> None:
        """One step of the case."""
        if "wait" in step:
            time.sleep(step["wait"])
        elif "cli" in step:
            self.printed.append(self.operator.run(*step["cli"]).stdout)
        elif "person" in step:
            added = self.sim.do("/person", name=step["person"], friend=step.get("friend", True))
            self.people[step["person"]] = added["uid"]
        else:
            self._push(step)

    def outcome(self) -> Outcome:
        lines = self.gateway.printed() if self.gateway else []
        turns = [json.loads(line.split(" ", 2)[2]) for line in lines if line.startswith("TURN ")]
        sent = [record["text"] for record in self.sim.since(0) if record["kind"] == "sent"]
        return Outcome(sent, turns, self.printed)

    def _push(self, step: dict[str, Any]) -> None:
        fields = self._filled(step["push"])
        if str(fields.get("uidFrom", "")).startswith("@"):
            fields["uidFrom"] = self.people[fields["uidFrom"][1:]]
        group = step.get("group", False)
        if group:
            fields.setdefault("idTo", self.group)
        item = {name: value for name, value in (self._plain_item() | fields).items() if value != _DROP}
        self.pushed[step.get("as", "_")] = item
        listed = {"groupMsgs" if group else "msgs": [item]}
        self.sim.do("/push", cmd=step.get("cmd") or (521 if group else 501), sub=0, data=listed)
        time.sleep(step.get("then", _THEN_S))

    def _plain_item(self) -> dict[str, Any]:
        """A text of Lan's as the platform pushes it, with ids of its own."""
        self.last_id += 1
        now = str(int(time.time() * 1000))
        return {
            "actionId": str(self.last_id),
            "msgId": str(self.last_id),
            "cliMsgId": now,
            "msgType": "webchat",
            "uidFrom": self.people[_PERSON],
            "idTo": self.me,
            "dName": _PERSON,
            "ts": now,
            "status": 1,
            "content": "xin chào",
            "notify": "1",
            "ttl": 0,
            "userId": "0",
            "uin": "0",
            "topOut": "0",
            "topOutTimeOut": "0",
            "topOutImprTimeOut": "0",
            "propertyExt": {
                "color": 0,
                "size": 0,
                "type": 0,
                "subType": 0,
                "ext": '{"shouldParseLinkOrContact":0}',
            },
            "paramsExt": {"countUnread": 1, "containType": 0, "platformType": 1},
            "cmd": 501,
            "st": 3,
            "at": 0,
            "realMsgId": "0",
        }

    def _filled(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {key: self._filled(one) for key, one in value.items()}
        if isinstance(value, list):
            return [self._filled(one) for one in value]
        if not isinstance(value, str):
            return value
        if number := re.fullmatch(r"#(\$(?:ID|CLI):\w+)", value):
            return int(self._filled(number[1]))
        now_ms = int(time.time() * 1000)
        known = {
            "$LAN": self.people[_PERSON],
            "$HUNG": self.people[_OTHER],
            "$ME": self.me,
            "$GROUP": self.group,
            "$NOW_S": str(now_ms // 1000),
            "$NOW": str(now_ms),
        }
        for name, text in known.items():
            value = value.replace(name, text)
        return re.sub(r"\$(ID|CLI):(\w+)", self._id_of, value)

    def _id_of(self, match: re.Match[str]) -> str:
        return str(self.pushed[match[2]]["msgId" if match[1] == "ID" else "cliMsgId"])


def play(name: str, scratch: Path) -> list[str]:
    """Play a case, or run its program. Gives the expectations that do not hold, one line each."""
    case = folder() / name
    if (case / "check.py").exists():
        done = subprocess.run(
            [sys.executable, str(case / "check.py")], capture_output=True, text=True, timeout=120, check=False
        )
        return [] if done.returncode == 0 else done.stderr.strip().splitlines()[-1:]
    told = json.loads((case / "case.json").read_text("utf-8"))
    with _stage(told, scratch) as stage:
        for step in told["steps"]:
            stage.take(step)
        return _wrong_at_last(stage, told["expect"])


def _wrong_at_last(stage: Stage, expect: dict[str, Any]) -> list[str]:
    """The expectations that do not hold, not even after a while: a busy machine takes its time."""
    ends = time.monotonic() + PATIENCE
    while (wrong := stage.outcome().wrong(expect)) and time.monotonic() < ends:
        time.sleep(_LOOK_EVERY_S)
    return wrong


@contextmanager
def _stage(case: dict[str, Any], scratch: Path) -> Iterator[Stage]:
    state = scratch / "state"
    state.mkdir(mode=0o700)
    (state / "config.json5").write_text(case.get("config", EVERYBODY), "utf-8")
    with ExitStack() as stack:
        sim = stack.enter_context(simulator(scratch))
        operator = Operator.at(state, sim.network)
        gateway = None
        if case.get("gateway", True):
            _log_in(sim, operator)
            if case.get("skew_s"):
                operator.env["SKEW_S"] = str(case["skew_s"])
            gateway = stack.enter_context(Gateway(operator, RECORDING))
            gateway.start()
            gateway.said("is ready")
            time.sleep(case.get("settle", _SETTLE_S))
        world = sim.world()
        people = {person["name"]: person["uid"] for person in world["people"]}
        group = next(one["gid"] for one in world["groups"] if one["name"] == _GROUP)
        yield Stage(sim, operator, gateway, people, group, world["accounts"][0]["uid"])


def _log_in(sim: Simulator, operator: Operator) -> None:
    installed = operator.run("plugins", "install", "@openclaw/zalouser")
    assert installed.returncode == 0, installed.stdout
    done = log_in(operator, sim)
    assert done.returncode == 0, done.stdout
