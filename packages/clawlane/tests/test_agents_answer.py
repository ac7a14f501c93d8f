"""What of a model's answer people see."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clawlane.agents.answer import Answer, read_answer
from clawlane.agents.errors import AgentMisconfigured
from clawlane.agents.reply import LONGEST_ANSWER, LONGEST_REPLY, read_reply
from clawlane.config.agents import Agents
from clawlane.config.routing import settled


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("Chào anh.", "Chào anh."),
        ("<think>em nghĩ</think>Trả lời **xong**", "Trả lời **xong**"),
        ("<THINKING>a\nb\n</THINKING>\n\nxong", "xong"),
        ("một <reasoning>vì …</reasoning>hai", "một hai"),
        ("em nghĩ mãi\n</think>\nxong", "xong"),
        ("<think>a<think>b</think>c</think>xong", "xong"),
        ('<thought kind="long">a</thought>xong', "xong"),
        ("[THINK]em nghĩ[/THINK]xong", "xong"),
        ("◁think▷em nghĩ◁/think▷xong", "xong"),
        ("<seed:think>em nghĩ</seed:think>xong", "xong"),
        ("<thoughts>em nghĩ</thoughts>xong", "xong"),
        ("em nghĩ\n```json\n{}\n</think>\nxong", "xong"),
        ("```\n<think>\n</think>\n```\nxong", "```\n<think>\n</think>\n```\nxong"),
        ("<analysis>em nghĩ</analysis>xong", "xong"),
        ("<reasoning_content>em nghĩ</reasoning_content>xong", "xong"),
        (
            "<|channel|>analysis<|message|>em\nnghĩ<|end|><|start|>assistant<|channel|>final<|message|>xong<|return|>",
            "xong",
        ),
        ("<|start|>assistant<|channel|>final<|message|>xong<|end|>", "xong"),
        ("<|channel|>analysis<|message|>em nghĩ<|channel|>final<|message|>xong", "xong"),
        ("a\x00b\x1b[31mc\r\nd", "ab[31mc\nd"),
        ("<final>xong</final>", "xong"),
        ("Thẻ `<think>` mở một ý nghĩ.", "Thẻ `<think>` mở một ý nghĩ."),
        ("``a ` <think>`` b", "``a ` <think>`` b"),
        ("```\n<think>\n```\nxong", "```\n<think>\n```\nxong"),
        ("~~~~\n~~~\n[[reply_to_current]]\n~~~~", "~~~~\n~~~\n[[reply_to_current]]\n~~~~"),
        ("[[reply_to_current]] trả lời", "trả lời"),
        ("[[ reply_to: 123 ]]trả lời", "trả lời"),
        ("trả lời [[audio_as_voice]]", "trả lời"),
        ("[[không phải lệnh]]", "[[không phải lệnh]]"),
        ("1 < 2 và <thinks> ở lại", "1 < 2 và <thinks> ở lại"),
    ],
)
def test_thoughts_and_directives_are_left_out_but_for_code(raw: str, shown: str) -> None:
    assert read_answer(raw) == Answer(shown)


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "  \n",
        "NO_REPLY",
        "<|channel|>analysis<|message|>em nghĩ<|end|>",
        "<|channel|>commentary to=functions.f <|constrain|>json<|message|>{}<|call|>",
        " `NO_REPLY`\n",
        "**NO_REPLY**",
        '"NO_REPLY"',
        "_no_reply_",
        "[NO_REPLY]!",
        "<NO_REPLY>",
        "\u200bNO_REPLY",
        "<think>không nên trả lời</think>NO_REPLY",
        "<think>dở dang",
    ],
)
def test_an_answer_for_nobody_is_silence(raw: str) -> None:
    assert read_answer(raw) is None


def test_no_reply_within_a_text_is_a_text() -> None:
    assert read_answer("Mã là NO_REPLY nhé.") == Answer("Mã là NO_REPLY nhé.")


@pytest.mark.parametrize(
    ("raw", "answer"),
    [
        ("Đây:\nMEDIA: a/b.png", Answer("Đây:", ("a/b.png",))),
        ("MEDIA: `https://x.example/a.png`\nxong", Answer("xong", ("https://x.example/a.png",))),
        ("Xem ![ảnh](https://x.example/a.png) nhé", Answer("Xem  nhé", ("https://x.example/a.png",))),
        ("![a](a.png) ![a](a.png)", Answer("", ("a.png",))),
        ("```\nMEDIA: a.png\n![a](a.png)\n```", Answer("```\nMEDIA: a.png\n![a](a.png)\n```")),
        ("Dòng MEDIA: a.png ở giữa", Answer("Dòng MEDIA: a.png ở giữa")),
        ("MEDIA: a.png\n</think>xong", Answer("xong")),
        ("<think>\nMEDIA: a.png\n![a](b.png)\n</think>xong", Answer("xong")),
    ],
)
def test_attachments_are_taken_out_of_the_text(raw: str, answer: Answer) -> None:
    assert read_answer(raw) == answer


@given(
    st.text(st.sampled_from("a <>/`~\n[]():!think"), max_size=200), st.text("xyz", min_size=1, max_size=20)
)
def test_a_thought_is_never_shown(before: str, secret: str) -> None:
    answer = read_answer(f"{before}\n\n<think>{secret.upper()}</think> xong")
    fenced = any(line.lstrip().startswith(("```", "~~~")) for line in before.splitlines())
    assert fenced or answer is None or secret.upper() not in answer.text


@given(
    st.text(
        st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="<[`~!\u2028\u2029"), max_size=300
    )
)
def test_a_text_without_marks_stays_as_it_is(text: str) -> None:
    answer = read_answer(f"A: {text} .")
    assert answer is not None
    assert answer.text.split() == f"A: {text} .".split()


@pytest.mark.parametrize(
    "hostile", ["\n", " \n", "`", "``` ", "<think", "![", "[[", "` `` ", "</think>", "![a](", "[[reply_to:"]
)
def test_a_hostile_answer_is_read_in_time(hostile: str) -> None:
    answer = read_answer(hostile * (1_000_000 // len(hostile)))
    assert answer is None or len(answer.text) <= 1_000_000


@pytest.mark.parametrize("raw", ["x" * (LONGEST_REPLY + 1), "<think>" + "\n" * LONGEST_ANSWER + "</think>x"])
def test_far_too_much_is_refused_in_one_line(raw: str) -> None:
    [agent] = settled(Agents())
    with pytest.raises(AgentMisconfigured) as raised:
        read_reply(raw, agent)
    assert str(raised.value).startswith("agents.defaults: the ")
    assert len(str(raised.value)) < 200
