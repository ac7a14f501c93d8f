"""What each key of the config means, in one line: for the schema and the reference page."""

from __future__ import annotations

from collections.abc import Mapping

_CHILD = {
    "command": "The program with its arguments. No shell reads it.",
    "env": "Variables beside PATH, HOME and LANG.",
    "cwd": "Its working folder; without it, one of its own in `~/.clawlane-agents`.",
}

DESCRIPTIONS: Mapping[str, Mapping[str, str]] = {
    "ChannelSettings": {
        "enabled": "`false` turns the channel or the account off.",
        "name": "A label for the operator.",
        "profile": "The saved session that the account uses; empty for the name of the account.",
        "dmPolicy": "Who may write in a direct message.",
        "allowFrom": "Senders who may write: ids, names, `accessGroup:NAME`, or `*` for anyone.",
        "groupPolicy": "Which groups are listened to.",
        "groupAllowFrom": "Senders who may write in groups; else those of `allowFrom`, under `open` anyone.",
        "groups": "One entry for each group: an id, a name, or `*` for all others.",
        "dms": "One entry for each person that is treated differently, by their id.",
        "outbound": "What leaves: everything (`auto`), what you approve, or nothing; `auto` if not said.",
        "drafts": "Replies that wait for your approval, under `outbound: 'approve'`.",
        "historyLimit": "Unanswered messages of a chat shown with its next answered one; 0 keeps none.",
        "acks": "When answered messages are marked as seen: at once, with the answer, or never.",
        "pairing": "How strangers are answered under `dmPolicy: 'pairing'`.",
        "backlogMaxAge": "Messages that are older when read are not answered.",
        "resendUnknown": "Whether an unconfirmed message is sent again once it is known to be missing.",
        "lookUpGap": "The least time between two look-ups of an unconfirmed message.",
        "pacing": "How fast messages may leave. What is over a limit waits.",
        "quietHours": "When nothing is sent: one span of the day, or a list; `[]` is never.",
        "mediaMaxMb": "The largest file that is fetched or sent, in megabytes.",
        "mediaKeep": "The former name of `retention.media`, which counts if both are there.",
        "mediaKeepMb": "How many megabytes of fetched files are kept; the oldest go first.",
        "disclosure": "How people are told that a program answers; unset it is as `off`, and a finding.",
        "disclosureText": "What they are told, in the place of the built-in words.",
        "retention": "How long what other people said is kept.",
        "markdown": "How markdown is converted.",
        "numberChunks": "Whether the parts of long answers are numbered: `(1/3)`.",
        "responsePrefix": "Goes before each reply; `auto` is the agent's name in brackets.",
        "alerts": "Where the owner hears of what waits for them, and of alarms.",
        "proxy": "The proxy for the account's connections: a URL, with user and password if it needs them.",
        "configWrites": "Accepted, and does nothing here.",
        "messagePrefix": "Accepted, and does nothing here.",
        "heartbeatVisibility": "Accepted, and does nothing here.",
        "dangerouslyAllowNameMatching": "Accepted, and does nothing here.",
    },
    "GroupEntry": {
        "allow": "`false` closes the group.",
        "enabled": "`false` closes the group, too.",
        "requireMention": "Whether a message has to mention the account; without it `true`.",
        "allowFrom": "Senders who may write in this group, in the place of `groupAllowFrom`.",
        "tools": "Limits on the agent's tools in this group.",
        "outbound": "What leaves in this group, in the place of the account's `outbound`.",
    },
    "DmEntry": {"outbound": "What leaves to this person, in the place of the account's `outbound`."},
    "Outbound": {"dm": "What leaves in direct messages.", "group": "What leaves in groups."},
    "Drafts": {"expire": "How long a draft waits before it expires. An expired one can be revived."},
    "GroupTools": {
        "allow": "All that the agent may use in this group, in the place of its own `allow`.",
        "alsoAllow": "What it may use in this group besides.",
        "deny": "What it may not use in this group, whatever else is said.",
    },
    "Pairing": {
        "reply": "Who is sent a pairing code: everybody, strangers who are no friends, or nobody.",
        "text": "The text with the code. `{code}`, `{id}` and `{command}` are filled in.",
    },
    "Share": {
        "names": "`false` withholds people's names; ids stand for them.",
        "media": "`false` withholds their pictures, voice messages and files.",
        "history": "`false` withholds what a group said that was not for the account.",
    },
    "Retention": {
        "text": "Messages and answers that are done, dead letters, messages without a decision.",
        "media": "Fetched files.",
        "sessions": "What agents remember of a conversation.",
        "history": "What a group said and no turn took.",
        "decisions": "Ids and decisions, and names of people who were never let in; at least 30 days.",
    },
    "Alerts": {
        "webhook": "A signed request to an address.",
        "command": "A program and its arguments, run for each batch with JSON on its standard input.",
        "thread": "A text by another account of the channel.",
        "quiet": "When only alarms are told; the rest waits.",
        "texts": "Also tells people's names and what they wrote, where that is kept.",
    },
    "Webhook": {
        "url": "An address with `https://`; `http://` for this machine only.",
        "secret": "What signs it: `'${NAME}'`, `{ env: 'NAME' }`, `{ file: 'PATH' }`, or the secret itself.",
    },
    "AlertThread": {
        "account": "The account that sends it, never the one that the alert is about.",
        "to": "`user:ID` or `group:ID`.",
    },
    "AlertQuiet": {"from": "The time of day, such as `22:00`.", "to": "The time of day it ends."},
    "Markdown": {"tables": "How a table is written."},
    "AccountBudget": {
        "minute": "Messages of the account in a minute.",
        "hour": "Messages of the account in an hour.",
        "day": "Messages of the account in a day.",
    },
    "ThreadBudget": {
        "minute": "Messages to one thread in a minute.",
        "hour": "Messages to one thread in an hour.",
        "day": "Messages to one thread in a day.",
    },
    "StrangerBudget": {
        "hour": "Different people who are no friends and get messages in an hour.",
        "day": "Different people who are no friends and get messages in a day.",
    },
    "SameText": {
        "times": "How often the same reply may go to a thread within `wait`.",
        "wait": "The time in which `times` counts.",
        "threads": "To how many threads the same reply may go in an hour.",
    },
    "Pacing": {
        "enabled": "`false` turns all limits off.",
        "account": "Limits of the whole account.",
        "thread": "Limits of one thread.",
        "strangers": "Limits on people who are no friends.",
        "sameText": "The guard against loops.",
        "gap": "The least time between two messages of the account.",
        "gapJitter": "A random part of this is added to `gap`.",
        "warmUp": "Whether a new session begins with few replies a day, for seven days.",
    },
    "QuietSpan": {
        "from": "When it begins: `22:00`.",
        "to": "When it ends: `07:00`. Before `from`, it is on the next day.",
        "do": "Whether replies wait for the end, or are not sent.",
    },
    "ChannelDefaults": {"groupPolicy": "The `groupPolicy` of channels that set none."},
    "Root": {
        "$schema": "The schema of this file, for editors.",
        "timezone": "Where days begin and times are read; without it, the zone of the machine.",
        "channels": "The channels and their accounts.",
        "messages": "Settings for the messages of all channels.",
        "commands": "Control commands such as `/new`.",
        "accessGroups": "People that sender lists can name together, by a name of yours.",
        "agents": "Who answers.",
        "bindings": "Which agent answers where; the most specific one wins.",
        "models": "Where models come from.",
        "mcp": "Servers with further tools.",
        "tools": "Tools of all agents.",
        "session": "What agents remember of a conversation.",
        "gateway": "The running gateway.",
        "logging": "The log.",
    },
    "Messages": {
        "inbound": "How messages are taken together.",
        "groupChat": "Groups of all channels.",
        "responsePrefix": "The `responsePrefix` of channels that set none.",
    },
    "InboundMessages": {
        "debounceMs": "How long a text waits for more of its sender, in milliseconds; at most 60000.",
        "byChannel": "The same for one channel.",
    },
    "GroupChat": {
        "mentionPatterns": "Regular expressions; a text that one fits counts as a mention.",
        "historyLimit": "The `historyLimit` of channels that set none.",
    },
    "Commands": {
        "text": "`false` treats control commands as ordinary text.",
        "ownerAllowFrom": "Ids of owners: control commands answer them everywhere.",
    },
    "AccessGroup": {"members": "Ids and names by channel, or under `*` for every channel."},
    "Agents": {
        "defaults": "What every agent has unless it says otherwise.",
        "list": "The agents. Without a list there is one, `main`.",
    },
    "AgentDefaults": {
        "brain": "What answers: one of the kinds below.",
        "model": "A model as `provider/model`, which makes the agent one of kind `model`.",
        "instructions": "What the agent is told about itself and its task.",
        "timeoutSeconds": "How long a whole turn may take.",
        "maxRequests": "Requests to a model in one turn.",
        "maxToolCalls": "Calls of tools in one turn.",
        "maxTokens": "Tokens of all requests of a turn together.",
        "maxInputChars": "Characters of one message that are read.",
        "budget": "What the agent may spend in a day.",
        "tools": "What its tools may do beyond the thread that it answers in.",
        "identity": "Who the agent says it is.",
        "fetchUrls": "`false` fetches nothing from addresses that the agent wants to attach.",
        "share": "What the agent, and with it its host, sees of other people.",
        "allowStrangers": "Lets anybody reach an agent that can do harm. Gives up a safeguard.",
        "retryInterrupted": "Asks again after a crash in the middle of a turn. Gives up a safeguard.",
    },
    "AgentEntry": {
        "id": "The name of the agent in bindings and commands.",
        "default": "Whether it answers where no binding says otherwise.",
        "name": "A label for the operator.",
    },
    "Budget": {
        "tokensPerDay": "Tokens in a day.",
        "usdPerDay": "US dollars in a day; needs prices.",
        "perSender": "The part of it that one sender may use, 0 to 1.",
        "perThread": "The part of it that one thread may use, 0 to 1.",
    },
    "AgentTools": {
        "allow": "All that the agent may use, once this is written; `*` stands for any characters.",
        "alsoAllow": "What it may use besides.",
        "deny": "What it may not use, whatever else is said.",
    },
    "Identity": {"name": "The name of the agent."},
    "ModelChoice": {
        "primary": "The model that is asked.",
        "fallbacks": "Models that are asked in order when it cannot answer.",
    },
    "EchoBrain": {"kind": "Repeats what it is told."},
    "EndpointBrain": {
        "kind": "An agent elsewhere that speaks OpenAI's chat API.",
        "url": "Its address; `/chat/completions` is added.",
        "model": "The model that is named to it.",
        "apiKey": "Its key: `'${NAME}'`, `{ env: 'NAME' }`, `{ file: 'PATH' }`, or the key itself.",
        "headers": "Further headers; values as for `apiKey`.",
        "session": "The headers that carry the key of the conversation, or `user` for the field.",
        "memory": "Who remembers the conversation: the gateway (`ours`), or the agent (`theirs`).",
        "stream": "Whether answers are read as they are made.",
        "images": "Whether pictures that people send are shown to it.",
        "price": "What its tokens cost, for `budget.usdPerDay`.",
    },
    "Price": {
        "input": "US dollars for a million tokens that are read.",
        "output": "US dollars for a million tokens that are written.",
    },
    "ModelBrain": {"kind": "A model with the tools of the gateway."},
    "ChildBrain": _CHILD,
    "AcpBrain": {
        "kind": "A coding agent that speaks the Agent Client Protocol.",
        "allow": "Kinds of tools that it may use without being refused.",
    },
    "CommandBrain": {"kind": "A program that is run for each turn."},
    "Models": {"providers": "The providers by name. OpenAI, Anthropic and Google need no entry."},
    "Provider": {
        "baseUrl": "Its address; without it, the provider's own service.",
        "apiKey": "Its key: `'${NAME}'`, `{ env: 'NAME' }`, `{ file: 'PATH' }`, or the key itself.",
        "api": "How it is spoken with.",
        "headers": "Further headers; values as for `apiKey`.",
        "prices": "What tokens cost, by the model's name.",
        "models": "What is known of its models.",
    },
    "ProviderModel": {
        "id": "The name of the model.",
        "input": "What it takes; `image` if it sees.",
    },
    "Binding": {"agentId": "The agent that answers.", "match": "Where it does."},
    "Match": {
        "channel": "The channel.",
        "accountId": "The account; `*` for every one, empty for the default account.",
        "peer": "One thread; without it, all of them.",
    },
    "Peer": {
        "kind": "Direct messages (`dm`, `direct`) or a `group`.",
        "id": "The person or the group.",
    },
    "SessionSettings": {
        "maxTokens": "How much of a conversation is remembered, in tokens, counted roughly.",
        "summarise": "Whether the model sums up what no longer fits; else it is forgotten.",
        "reset": "When a conversation begins anew by itself.",
    },
    "Reset": {
        "mode": "Never, each day, or after a time without a message.",
        "atHour": "The hour of the day, 0 to 23.",
        "idleMinutes": "The minutes without a message.",
    },
    "Mcp": {"servers": "The servers by name."},
    "McpServer": {
        "enabled": "`false` switches it off.",
        "command": "The program, for a server on this machine.",
        "args": "Arguments of the program.",
        "env": "Variables beside PATH, HOME and LANG; values as for `apiKey`.",
        "cwd": "The working folder of the program.",
        "url": "The address, for a server elsewhere.",
        "headers": "Headers for the address; values as for `apiKey`.",
        "transport": "`stdio` for a program, `streamable-http` for an address. It need not be said.",
        "toolFilter": "Which of its tools there are.",
        "connectionTimeoutMs": "Milliseconds until it has to be connected.",
        "requestTimeoutMs": "Milliseconds for one request.",
    },
    "ToolFilter": {
        "include": "The only tools; empty for all. `*` stands for any characters.",
        "exclude": "Tools that are left out.",
    },
    "Tools": {"media": "What is made of media before an agent gets it."},
    "MediaTools": {"audio": "Voice messages as text."},
    "AudioTools": {
        "enabled": "`false` leaves voice messages as they are.",
        "maxBytes": "The longest recording, in bytes.",
        "timeoutSeconds": "How long writing one down may take.",
        "language": "The language that is spoken, such as `vi`; empty if the model is to find out.",
        "models": "The models that are asked in order.",
    },
    "AudioModel": {
        "provider": "The provider of the model.",
        "url": "The address of a service of your own, instead of a provider.",
        "model": "The name of the model.",
        "apiKey": "Its key: `'${NAME}'`, `{ env: 'NAME' }`, `{ file: 'PATH' }`, or the key itself.",
    },
    "Gateway": {
        "reload": (
            "Whether an edit that opens more counts at once, or waits for `config apply` (`ask`)."
            " A start of the gateway applies what waits."
        )
    },
    "Logging": {"level": "How much is logged."},
}
"""By the model and the key as it is written. A model has those of the models that it builds on, too."""


def description(model: type, key: str) -> str:
    """What a key of a model means; empty where nobody said it."""
    found = (DESCRIPTIONS.get(one.__name__, {}).get(key, "") for one in model.__mro__)
    return next((text for text in found if text), "")
