"""Where a linked device is removed by hand."""

from __future__ import annotations

from clawlane.texts import later

DEVICE_HELP = later(
    "remove the device in Zalo on the phone: Settings, Account and security, Login devices"
    " (Cài đặt, Tài khoản và bảo mật, Thiết bị đăng nhập); names differ by version"
)
"""The names as public guides give them; not checked on a phone."""
