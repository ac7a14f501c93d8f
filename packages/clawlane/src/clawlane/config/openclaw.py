"""What OpenClaw has and clawlane does not: channels with all their names, and keys of the config.

Names: OpenClaw's documentation, page "Chat Channels", and its package names (`@openclaw/ID`), November 2026.
"""

from __future__ import annotations

from collections.abc import Iterable

from clawlane.config.errors import did_you_mean
from clawlane.texts import later

NOT_SUPPORTED = later("OpenClaw has this channel, clawlane does not")
_CHANNELS: dict[str, tuple[str, ...]] = {
    "bluebubbles": ("bb",),
    "discord": (),
    "feishu": ("lark",),
    "googlechat": ("google-chat", "gchat"),
    "imessage": ("imsg",),
    "irc": ("internet-relay-chat",),
    "line": (),
    "matrix": (),
    "mattermost": (),
    "msteams": ("teams", "microsoft-teams"),
    "nextcloud-talk": ("nc-talk", "nc"),
    "nostr": (),
    "qqbot": ("qq",),
    "signal": ("signal-cli",),
    "slack": (),
    "synology-chat": ("synology",),
    "telegram": ("tg",),
    "tlon": ("urbit",),
    "twitch": ("twitch-chat",),
    "voice-call": ("voicecall",),
    "webchat": (),
    "wechat": ("weixin", "openclaw-weixin"),
    "whatsapp": ("wa",),
    "yuanbao": (),
    "zalo": ("zl", "zalo-bot", "zalobot", "zalo-oa", "zalooa", "zalo-official"),
}
_BY_NAME = {name: channel for channel, aliases in _CHANNELS.items() for name in (channel, *aliases)}
_CLOSE = 0.8
"""Above the similarity of `zalo` and `zalouser`, two channels; only the second risks a personal account."""

# Keys for features that clawlane does not have. Source: OpenClaw's documentation, pages "Configuration
# reference", "Configuration — agents", "MCP" and "Audio / Voice Notes", November 2026.

AGENT_KEYS = frozenset(
    [
        "agentDir",
        "agentRuntime",
        "blockStreamingBreak",
        "blockStreamingChunk",
        "blockStreamingCoalesce",
        "blockStreamingDefault",
        "bootstrapMaxChars",
        "bootstrapPromptTruncationWarning",
        "bootstrapTotalMaxChars",
        "cliBackends",
        "compaction",
        "contextInjection",
        "contextLimits",
        "contextPruning",
        "contextTokens",
        "elevatedDefault",
        "embeddedHarness",
        "embeddedPi",
        "envelopeElapsed",
        "envelopeTimestamp",
        "envelopeTimezone",
        "fastModeDefault",
        "groupChat",
        "heartbeat",
        "humanDelay",
        "imageGenerationModel",
        "imageMaxDimensionPx",
        "imageModel",
        "imageQuality",
        "maxConcurrent",
        "mediaMaxMb",
        "mediaModels",
        "memorySearch",
        "modelPolicy",
        "models",
        "musicGenerationModel",
        "params",
        "pdfMaxBytesMb",
        "pdfMaxMb",
        "pdfMaxPages",
        "pdfModel",
        "promptOverlays",
        "reasoningDefault",
        "repoRoot",
        "runtime",
        "sandbox",
        "skills",
        "skillsLimits",
        "skipBootstrap",
        "skipOptionalBootstrapFiles",
        "startupContext",
        "subagents",
        "systemAgent",
        "systemPromptOverride",
        "thinkingDefault",
        "timeFormat",
        "toolProgressDetail",
        "tts",
        "typingIntervalSeconds",
        "typingMode",
        "userTimezone",
        "utilityModel",
        "verboseDefault",
        "videoGenerationModel",
        "workspace",
    ]
)
AGENT_TOOLS_KEYS = frozenset(
    [
        "agentToAgent",
        "byProvider",
        "codeMode",
        "elevated",
        "exec",
        "fs",
        "links",
        "loopDetection",
        "media",
        "message",
        "profile",
        "sandbox",
        "sessions",
        "subagents",
        "toolSearch",
        "web",
    ]
)
TOOLS = frozenset(
    [
        "agents_list",
        "apply_patch",
        "bash",
        "browser",
        "canvas",
        "code_execution",
        "cron",
        "edit",
        "exec",
        "gateway",
        "image",
        "image_generate",
        "memory_get",
        "memory_search",
        "message",
        "music_generate",
        "nodes",
        "pdf",
        "process",
        "read",
        "session_status",
        "sessions_history",
        "sessions_list",
        "sessions_send",
        "sessions_spawn",
        "sessions_yield",
        "subagents",
        "tts",
        "update_plan",
        "video_generate",
        "web_fetch",
        "web_search",
        "write",
        "x_search",
    ]
)
"""OpenClaw's built-in tools, and its page "Tools" says the groups of them: they begin with `group:`."""

TOOLS_KEYS = (AGENT_TOOLS_KEYS - {"media"}) | {
    "allow",
    "alsoAllow",
    "deny",
    "experimental",
    "sessions_spawn",
}
MEDIA_KEYS = frozenset(["asyncCompletion", "concurrency", "image", "models", "video"])
AUDIO_KEYS = frozenset(
    [
        "attachments",
        "baseUrl",
        "deepgram",
        "echoFormat",
        "echoTranscript",
        "headers",
        "maxChars",
        "prompt",
        "providerOptions",
        "request",
        "scope",
    ]
)
AUDIO_MODEL_KEYS = frozenset(
    [
        "args",
        "baseUrl",
        "capabilities",
        "command",
        "deepgram",
        "headers",
        "language",
        "maxBytes",
        "maxChars",
        "preferredProfile",
        "profile",
        "prompt",
        "providerOptions",
        "request",
        "timeoutSeconds",
        "type",
    ]
)
GATEWAY_KEYS = frozenset(
    [
        "allowRealIpFallback",
        "auth",
        "bind",
        "channelHealthCheckMinutes",
        "channelMaxRestartsPerHour",
        "channelStaleEventThresholdMinutes",
        "controlUi",
        "customBindHost",
        "handshakeTimeoutMs",
        "http",
        "mode",
        "nodes",
        "port",
        "push",
        "remote",
        "tailscale",
        "terminal",
        "tls",
        "tools",
        "trustedProxies",
    ]
)
LOGGING_KEYS = frozenset(
    [
        "consoleLevel",
        "consoleStyle",
        "file",
        "maxFileBytes",
        "redactPatterns",
        "redactSensitive",
    ]
)
MESSAGES_KEYS = frozenset(
    [
        "ackReaction",
        "ackReactionScope",
        "messagePrefix",
        "queue",
        "removeAckAfterReply",
        "statusReactions",
        "suppressToolErrors",
        "tts",
        "visibleReplies",
    ]
)
GROUP_CHAT_KEYS = frozenset(["unmentionedInbound", "visibleReplies"])
COMMANDS_KEYS = frozenset(
    [
        "allowFrom",
        "bash",
        "bashForegroundMs",
        "config",
        "debug",
        "mcp",
        "native",
        "nativeSkills",
        "ownerDisplay",
        "ownerDisplaySecret",
        "plugins",
        "restart",
        "useAccessGroups",
    ]
)
DEFAULTS_KEYS = frozenset(
    ["botLoopProtection", "contextVisibility", "heartbeatVisibility", "implicitMentions"]
)
"""Below `channels.defaults`."""

ACCESS_GROUP_KEYS = frozenset(["type"])
CHANNELS_KEYS = frozenset(["modelByChannel"])
"""Below `channels`, beside the channels."""

IDENTITY_KEYS = frozenset(["avatar", "emoji", "theme"])
MODEL_CHOICE_KEYS = frozenset(["timeoutMs"])
MODELS_KEYS = frozenset(["bedrockDiscovery", "mode", "pricing"])
PROVIDER_KEYS = frozenset(
    [
        "agentRuntime",
        "auth",
        "authHeader",
        "contextTokens",
        "contextWindow",
        "injectNumCtxForOpenAICompat",
        "localService",
        "maxTokens",
        "params",
        "region",
        "request",
        "timeoutSeconds",
    ]
)
MCP_KEYS = frozenset(["apps", "sessionIdleTtlMs"])
MCP_SERVER_KEYS = frozenset(
    [
        "auth",
        "clientCert",
        "clientKey",
        "codex",
        "connectTimeout",
        "description",
        "oauth",
        "sslVerify",
        "supportsParallelToolCalls",
        "timeout",
        "type",
        "workingDirectory",
    ]
)
PROVIDER_MODEL_KEYS = frozenset(
    [
        "agentRuntime",
        "alias",
        "api",
        "baseUrl",
        "compat",
        "contextTokens",
        "contextWindow",
        "cost",
        "headers",
        "maxTokens",
        "name",
        "params",
        "reasoning",
        "thinkingLevelMap",
    ]
)
BINDING_KEYS = frozenset(["acp", "comment", "type"])
MATCH_KEYS = frozenset(["guildId", "roles", "teamId"])
SECRETS_KEYS = frozenset(["defaults", "providers", "resolution"])
SESSION_KEYS = frozenset(
    [
        "agentToAgent",
        "dmScope",
        "heartbeatIdleMinutes",
        "identityLinks",
        "mainKey",
        "maintenance",
        "parentForkMaxTokens",
        "resetByChannel",
        "resetByType",
        "resetTriggers",
        "scope",
        "sendPolicy",
        "sharing",
        "store",
        "threadBindings",
        "typingIntervalSeconds",
        "typingMode",
    ]
)


def is_tool(name: str) -> bool:
    """Whether a list of tools may have this name in OpenClaw: a built-in tool, a group, another channel."""
    name = name.strip().lower()
    return name in TOOLS or name.startswith("group:") or is_openclaw_channel(name)


def is_openclaw_channel(name: str) -> bool:
    """Whether OpenClaw has a channel of this name that clawlane does not have."""
    return name.strip().lower().replace("_", "-").replace(" ", "-") in _BY_NAME


def suggest_channel(name: str, known: Iterable[str]) -> str:
    """`did you mean 'zalouser'?` for a typo; empty for what may be another channel."""
    return "" if is_openclaw_channel(name) else did_you_mean(name, known, cutoff=_CLOSE)
