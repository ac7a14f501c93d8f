"""What a client gets at login: service hosts, WebSocket addresses, settings."""

from __future__ import annotations

from typing import Any

from zaloweb.sim.rules import Rules

_NAMES = [
    "alias",
    "aext",
    "auto_reply",
    "boards",
    "catalog",
    "chat",
    "chat_e2e",
    "consent",
    "conversation",
    "downloadStickerUrl",
    "fallback_LP",
    "file",
    "friend",
    "friendLan",
    "friend_board",
    "group",
    "group_board",
    "group_cloud_message",
    "group_e2e",
    "group_poll",
    "label",
    "media_store",
    "media_store_send2me",
    "other_contact",
    "profile",
    "push_act",
    "quick_message",
    "reaction",
    "recent_search",
    "sp_contact",
    "sticker",
    "sync_action",
    "todoUrl",
    "up_file",
    "voice_call",
    "workspace",
    "zavi",
    "zcloud",
    "zcloud_up_file",
    "zfamily",
    "zimsg",
]

SERVICES = {f"sim-{name.replace('_', '-').lower()}-wpa.chat.zalo.me": name for name in _NAMES}
"""The service behind each host name. A call to the wrong host is refused."""

SERVICE_MAP = {name: [f"https://{host}"] for host, name in SERVICES.items()}
SOCKET_HOSTS = tuple(f"ws{number}-msg.chat.zalo.me" for number in (1, 2, 3))
SOCKET_URLS = [f"wss://{host}" for host in SOCKET_HOSTS]

EXTRA_VER = {
    "phonebook": 17,
    "conv_label": "cl-3",
    "friend": "fr-9",
    "ver_sticker_giphy_suggest": 1,
    "ver_giphy_cate": 2,
    "alias": "al-4",
    "ver_sticker_cate_list": 5,
    "block_friend": "bf-6",
}


def settings(rules: Rules) -> dict[str, Any]:
    """The settings of getServerInfo. As on the real servers, 1006 is not among the codes to retry after."""
    sharefile = {
        "max_size_share_file_v3": rules.file_mib,
        "chunk_size_file": rules.chunk_bytes,
        "restricted_ext_file": list(rules.forbidden_extensions),
    }
    return {
        "features": {
            "sharefile": _SHAREFILE | sharefile,
            "socket": _SOCKET | {"ping_interval": rules.ping_interval_ms},
        },
        "keepalive": {"alway_keepalive": 1, "keepalive_duration": 300, "time_deactive": 60},
    }


_SHAREFILE = {
    "big_file_domain_list": [],
    "max_size_share_file_v2": 1024,
    "file_upload_show_icon_1GB": True,
    "restricted_ext": "",
    "next_file_time": 120,
    "max_file": 50,
    "max_size_photo": 20,
    "max_size_share_file": 1024,
    "max_size_resize_photo": 20,
    "max_size_gif": 10,
    "max_size_original_photo": 20,
}

_SOCKET = {
    "rotate_error_codes": [1000, 4001],
    "retries": {
        "1000": {"max": 3, "times": [1000, 2000, 4000]},
        "3000": {"times": [6000]},
        "4001": {"max": 3, "times": [1000]},
    },
    "debug": {"enable": False},
    "reset_endpoint": 300_000,
    "queue_ctrl_actionid_map": {},
    "close_and_retry_codes": [1000, 4001],
    "max_msg_size": 65_536,
    "enable_ctrl_socket": True,
    "reconnect_after_fallback": True,
    "enable_chat_socket": True,
    "submit_wss_log": False,
    "disable_lp": False,
    "offline_monitor": {"enable": False},
}
