"""What an agent is told of other people, where its words go, and how people learn that a program answers."""

from __future__ import annotations

from pathlib import Path

import pytest
from packages.clawlane.tests.opened_store import NOW, Clock, opened_store

from clawlane.access.context import HistoryMessage
from clawlane.agents.contract import Attached, FileUse, InboundFile, TurnInput
from clawlane.agents.disclosure import Discloses, disclosure_text, marked
from clawlane.agents.prompt import user_prompt
from clawlane.agents.share import shared
from clawlane.config.agent_hosts import Place, hosts, place_of
from clawlane.config.agents import Agents, Models, Share
from clawlane.config.choices import Disclosure
from clawlane.config.media_tools import AudioTools
from clawlane.config.routing import settled
from clawlane.config.webhooks import EventWebhook
from clawlane.messages import Attachment, Inbound, Mention, Quote, Receipt, Reply, Text, Thread, ThreadKind
from clawlane.store import due, outbox, sending
from clawlane.store.disclosures import AGAIN_MS

GROUP = Thread(ThreadKind.GROUP, "88")
PHOTO = Attachment("photo", "Lan at home.jpg", "http://x/1", 3, "she says hello")
ASKED = Inbound(
    "default",
    "m1",
    GROUP,
    "11",
    "Trần Lan",
    "chào @Lê Hùng nhé",
    NOW,
    mentions=(Mention("22", 5, 8),),
    quote=Quote("m0", "22", "hello", "", PHOTO),
    attachments=(PHOTO,),
)
SAID = HistoryMessage.of(
    Inbound("default", "m0", GROUP, "22", "Lê Hùng", "@Trần Lan ơi", NOW, mentions=(Mention("11", 0, 9),))
)
TURN = TurnInput(
    "zalouser/default",
    (ASKED,),
    (SAID,),
    None,
    (InboundFile(Path("/x.jpg"), "photo", "image/jpeg", "Lan at home.jpg", 3, "m1"),),
    (Attached(PHOTO, 1, 0), Attached(PHOTO, 1, None)),
)


def told(share: Share) -> str:
    return user_prompt(shared(TURN, share), 1000)


def test_everything_is_told_unless_it_is_withheld() -> None:
    assert shared(TURN, Share()) is TURN


def test_ids_stand_for_names_in_mentions_and_history_as_well() -> None:
    text = told(Share(names=False))
    assert "Lan" not in text.replace("Lan at home", "")
    assert "Hùng" not in text
    assert "chào @22 nhé" in text
    assert "@11 ơi" in text
    assert "id 11" in text


def test_of_files_only_the_kind_is_told() -> None:
    text = told(Share(media=False))
    assert "photo" in text
    assert "at home" not in text
    assert "she says hello" not in text
    assert shared(TURN, Share(media=False)).files == ()
    assert FileUse(0) == FileUse.NOTHING


def test_a_groups_history_can_be_withheld() -> None:
    assert "ơi" in told(Share())
    assert "ơi" not in told(Share(history=False))


@pytest.mark.parametrize(
    ("host", "place"),
    [
        ("localhost", Place.HERE),
        ("127.0.0.1", Place.HERE),
        ("::1", Place.HERE),
        ("192.168.1.7", Place.OWN_NETWORK),
        ("10.1.2.3", Place.OWN_NETWORK),
        ("fd00::1", Place.OWN_NETWORK),
        ("box", Place.OWN_NETWORK),
        ("ollama.local", Place.OWN_NETWORK),
        ("api.openai.com", Place.ABROAD),
        ("8.8.8.8", Place.ABROAD),
        ("", Place.ABROAD),
    ],
)
def test_where_a_host_is_goes_by_its_address(host: str, place: Place) -> None:
    assert place_of(host) is place


def test_each_agent_says_where_words_go() -> None:
    agents = Agents.model_validate(
        {
            "list": [
                {"id": "near", "brain": {"kind": "endpoint", "url": "http://127.0.0.1:1/v1"}},
                {"id": "far", "model": {"primary": "openai/gpt", "fallbacks": ["own/small"]}},
                {"id": "tool", "brain": {"kind": "command", "command": ["/usr/bin/answer"]}},
                {"id": "parrot", "brain": {"kind": "echo"}},
            ]
        }
    )
    models = Models.model_validate({"providers": {"own": {"baseUrl": "http://10.0.0.2/v1"}}})
    audio = AudioTools.model_validate({"models": [{"provider": "openai", "model": "whisper-1"}]})
    secret = {"secret": "${HOOK}"}
    told = [
        EventWebhook.model_validate({"url": "https://hooks.example/a", **secret, "content": True}),
        EventWebhook.model_validate({"url": "https://ids.example/b", **secret}),
    ]
    assert (
        list(map(str, hosts(settled(agents), models, audio, told)))[-1] == "a webhook: hooks.example (abroad)"
    )
    assert list(map(str, hosts(settled(agents), models, audio))) == [
        "near: 127.0.0.1 (this machine)",
        "far: api.openai.com (abroad)",
        "far: 10.0.0.2 (own network)",
        "tool: the program answer, and wherever it sends them (abroad)",
        "parrot: an echo, sent nowhere (this machine)",
        "voice messages: api.openai.com (abroad)",
    ]


def test_the_words_are_in_the_language_of_the_account_or_in_both() -> None:
    assert "Tin nhắn" in disclosure_text(Disclosure.FIRST, "vi")
    assert "Tin nhắn" not in disclosure_text(Disclosure.FIRST, "en-US")
    both = disclosure_text(Disclosure.PREFIX, "")
    assert both == "[Trả lời tự động] [Automatic reply]"
    assert disclosure_text(Disclosure.FIRST, "vi", "Robot here.") == "Robot here."


async def test_a_person_is_told_once_and_again_if_it_did_not_leave(tmp_path: Path) -> None:
    clock = Clock()
    async with opened_store(tmp_path, clock) as (_, account_store):
        dm = Thread(ThreadKind.DM, "11")

        async def say(thread: Thread = dm, sender: str = "11") -> list[str]:
            discloses = Discloses(Disclosure.FIRST, "I am a program.", sender, thread)
            texts = []
            for word in ("one", "two"):
                reply, whom = await discloses.before(Reply(word), thread, account_store)
                texts.append(reply.text)
                await account_store.run(outbox.queue, None, marked([Text(thread, reply.text)], whom))
            return texts

        async def end(*, arrived: bool) -> None:
            chunks = (await account_store.run(due.waiting)).chunks
            await account_store.run(sending.begin, [chunk.id for chunk in chunks])
            for chunk in chunks:
                if arrived:
                    await account_store.run(sending.sent, chunk.id, Receipt((f"r{chunk.id}",)))
                else:
                    await account_store.run(sending.refused, chunk.id, "blocked")

        assert await say() == ["I am a program.\n\none", "two"]
        await end(arrived=False)
        assert await say() == ["I am a program.\n\none", "two"], "they were not reached"
        while (await account_store.run(due.waiting)).chunks:
            await end(arrived=True)
        assert await say() == ["one", "two"]
        assert await say(GROUP) == ["one", "two"], "it is the same person"
        assert await say(GROUP, "22") == ["I am a program.\n\none", "two"]
        clock.ms += AGAIN_MS + 1
        assert (await say())[0] == "I am a program.\n\none"


async def test_each_answer_can_say_it(tmp_path: Path) -> None:
    async with opened_store(tmp_path) as (_, account_store):
        discloses = Discloses(Disclosure.PREFIX, "[Automatic reply]", "11", GROUP)
        for _ in range(2):
            reply, whom = await discloses.before(Reply("one"), GROUP, account_store)
            assert (reply.text, whom) == ("[Automatic reply] one", "")
