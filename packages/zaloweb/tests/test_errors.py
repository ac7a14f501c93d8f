"""Every error says what happened, whether trying again helps, and what the operator can do."""

from __future__ import annotations

import inspect

import pytest

from zaloweb import errors
from zaloweb.errors import (
    ApiError,
    BeforeSending,
    HttpStatusError,
    InvalidParameters,
    Kicked,
    LoginFailed,
    NoAnswer,
    NotFound,
    RateLimited,
    RefusedByRecipient,
    Replaced,
    SessionExpired,
    ZaloError,
)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (102, SessionExpired),
        (600, SessionExpired),
        (114, InvalidParameters),
        (122, RefusedByRecipient),
        (123, RefusedByRecipient),
        (216, NotFound),
        (221, RateLimited),
        (-69, ApiError),
        (None, ApiError),
    ],
)
def test_a_code_of_zalo_becomes_its_own_error(code: int | None, kind: type[ApiError]) -> None:
    error = ApiError.of(code, "Tham số không hợp lệ", "sendMessage")
    assert type(error) is kind
    assert error.code == code


def test_an_api_error_names_the_call_the_message_and_the_code() -> None:
    assert str(ApiError.of(114, "Tham số không hợp lệ", "sendMessage")) == (
        "sendMessage: Tham số không hợp lệ (code 114)"
    )
    assert str(ApiError.of(None, "", "sendMessage")) == "sendMessage: no error message (no code)"


def test_trying_again_helps_only_where_it_can() -> None:
    assert BeforeSending("sendMessage", "no connection").retryable
    assert ApiError.of(221, "Vượt quá số request cho phép", "sendMessage").retryable
    assert HttpStatusError("sendMessage", 503).retryable
    assert not HttpStatusError("sendMessage", 403).retryable
    assert not SessionExpired(600, "", "sendMessage").retryable
    assert not Replaced().retryable


def test_what_the_operator_can_do() -> None:
    assert SessionExpired(102, "", "getLoginInfo").help == "log in again"
    assert "close the other Zalo Web" in Replaced().help
    assert Kicked().help == "log in again"


def test_a_failed_login_names_its_stage() -> None:
    error = LoginFailed("confirm", "Đăng nhập không hợp lệ.", -1005)
    assert str(error) == "login failed at confirm: Đăng nhập không hợp lệ. (code -1005)"
    assert (error.stage, error.code) == ("confirm", -1005)


def test_the_tree_in_the_docstring_is_the_tree() -> None:
    kinds = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, ZaloError)]
    assert NoAnswer in kinds
    for kind in kinds:
        assert kind.__name__ in (errors.__doc__ or "")
