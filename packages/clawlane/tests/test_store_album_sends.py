"""The store: albums of which only a part is known to have arrived, and the files that chunks send."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from packages.clawlane.tests.opened_store import NOW, Clock

from clawlane.messages import Media, MediaKind, Outgoing, Own, Photos, Receipt, Text, Thread, ThreadKind
from clawlane.store import due, inbox, outbox, outgoing_files, sending, unknown_sends
from clawlane.store.account_store import AccountStore
from clawlane.store.due import LOOK_UP_MS
from clawlane.store.models import Chunk, LostSend, Purpose
from clawlane.store.unknown_sends import LookUp

GAP = 60_000
LAN, BINH = Thread(ThreadKind.DM, "11"), Thread(ThreadKind.DM, "22")
SETTLES = LostSend("no answer", settle_ms=LOOK_UP_MS)
PATHS = ("/out/a.png", "/out/b.png", "/out/c.png")


@dataclass
class Desk:
    """A store with one account, and chunks that leave it."""

    account_store: AccountStore
    clock: Clock

    async def queue(self, *outs: Outgoing, purpose: Purpose = Purpose.NOTICE) -> list[int]:
        return await self.account_store.run(outbox.queue, None, outs, purpose)

    async def take(self) -> Chunk:
        chunk = (await self.account_store.run(due.waiting)).chunks[0]
        assert await self.account_store.run(sending.begin, [chunk.id], session="login 1")
        return chunk

    async def lose(self, lost: LostSend = SETTLES) -> Chunk:
        chunk = await self.take()
        await self.account_store.run(sending.unknown, chunk.id, lost)
        return chunk

    async def echo(self, client_id: int, message_id: str) -> None:
        own = Own("default", message_id, str(client_id), LAN, "", self.clock.ms)
        await self.account_store.run(inbox.note, own, 0)

    async def absent_twice(self) -> int:
        """Two look-ups that find `r0`, which arrived, and nothing else."""
        again = 0
        for _ in range(2):
            self.clock.ms += GAP
            asked = LookUp(ThreadKind.DM, 0, self.clock.ms, frozenset({"r0"}), "login 1")
            again += await self.account_store.run(unknown_sends.absent, asked, GAP)
        self.clock.ms += GAP
        return again

    async def arrived(self, message_id: str) -> bool:
        return await self.account_store.run(outbox.is_receipt, message_id)

    async def rows(self) -> list[tuple[str, str | None]]:
        """State and receipt of every chunk."""

        def read(tx: object) -> list[tuple[str, str | None]]:
            rows = tx.db.execute("SELECT state, receipt FROM outbox ORDER BY id")  # type: ignore[attr-defined]
            return [(row["state"], row["receipt"]) for row in rows]

        return await self.account_store.run(read)


@pytest.fixture
async def desk(account_store: AccountStore, clock: Clock) -> Desk:
    desk = Desk(account_store, clock)
    await desk.queue(Text(BINH, "trước"))
    chunk = await desk.take()
    await account_store.run(sending.sent, chunk.id, Receipt(("r0",)))
    return desk


async def test_an_album_takes_a_client_id_for_each_picture(desk: Desk) -> None:
    await desk.queue(Photos(LAN, PATHS), Text(LAN, "sau"), Photos(BINH, PATHS[:2]), Text(BINH, "sau"))
    chunks = (await desk.account_store.run(due.waiting)).chunks
    first = {chunk.out.thread: int(chunk.out.client_id) for chunk in chunks}
    assert first == {LAN: NOW + 1, BINH: NOW + 5}
    await desk.queue(Text(LAN, "cuối"))


async def test_an_album_has_arrived_once_each_of_its_pictures_was_seen(desk: Desk) -> None:
    await desk.queue(Photos(LAN, PATHS))
    first = int((await desk.lose()).out.client_id)
    for place in (2, 0, 2):
        await desk.echo(first + place, f"r{place + 1}")
        assert (await desk.rows())[-1] == ("unknown", None)
        assert await desk.arrived(f"r{place + 1}"), "others see it, and may quote it"
    await desk.echo(first + 3, "of somebody else")
    await desk.echo(first + 1, "r2")
    assert (await desk.rows())[-1] == ("sent", '["r1", "r2", "r3"]')


async def test_pictures_seen_before_the_answer_was_lost_count(desk: Desk) -> None:
    await desk.queue(Photos(LAN, PATHS[:2]))
    chunk = await desk.take()
    for place in (0, 1):
        await desk.echo(int(chunk.out.client_id) + place, f"r{place + 1}")
    assert (await desk.rows())[-1] == ("sending", None)
    await desk.account_store.run(sending.unknown, chunk.id, SETTLES)
    assert (await desk.rows())[-1] == ("sent", '["r1", "r2"]')


async def test_only_the_pictures_that_are_missing_are_sent_again(desk: Desk) -> None:
    await desk.queue(Photos(LAN, PATHS))
    lost = LostSend("1 of 3 were sent", settle_ms=LOOK_UP_MS, arrived=("r1",))
    first = int((await desk.lose(lost)).out.client_id)
    assert await desk.arrived("r1")
    assert await desk.absent_twice() == 1
    again = await desk.take()
    assert isinstance(again.out, Photos)
    assert again.out.paths == PATHS[1:]
    assert int(again.out.client_id) > first + 2, "an echo of the first try is not taken for one of these"
    await desk.echo(first + 1, "late echo")
    await desk.account_store.run(sending.sent, again.id, Receipt(("r2", "r3")))
    assert (await desk.rows())[-1] == ("sent", '["r2", "r3"]')


async def test_the_operator_resends_only_what_is_missing(desk: Desk) -> None:
    await desk.queue(Photos(LAN, PATHS))
    chunk = await desk.lose(LostSend("no id", taken=True, arrived=("r1", "", "r3")))
    assert await desk.absent_twice() == 0, "Zalo took it: only the operator may send it again"
    await desk.account_store.run(unknown_sends.resend, chunk.id)
    again = await desk.take()
    assert isinstance(again.out, Photos)
    assert again.out.paths == PATHS[1:2]
    await desk.echo(int(again.out.client_id), "r2")
    await desk.account_store.run(sending.unknown, again.id, LostSend("no answer"))
    assert (await desk.rows())[-1] == ("sent", '["r2"]')


async def test_an_album_of_which_nothing_arrived_is_sent_again_whole(desk: Desk) -> None:
    await desk.queue(Photos(LAN, PATHS))
    chunk = await desk.lose()
    assert await desk.absent_twice() == 1
    assert (await desk.take()).out == chunk.out


@pytest.mark.parametrize("client_id", ["", "x", "-1", "²", "9" * 400])
async def test_odd_client_ids_are_of_no_album(desk: Desk, client_id: str) -> None:
    await desk.queue(Photos(LAN, PATHS))
    await desk.lose()
    own = Own("default", "r1", client_id, LAN, "", NOW)
    await desk.account_store.run(inbox.note, own, 0)
    assert (await desk.rows())[-1] == ("unknown", None)


async def test_files_are_needed_until_their_chunk_is_settled_or_gone(desk: Desk) -> None:
    picture = Media(LAN, MediaKind.PHOTO, "/out/d.png", "d.png")
    album, single = await desk.queue(Photos(LAN, PATHS), picture)
    everything = {"a.png", "b.png", "c.png", "d.png"}
    assert await desk.account_store.run(outgoing_files.needed) == everything
    chunk = await desk.lose()
    assert chunk.id == album
    assert await desk.account_store.run(outgoing_files.done) == ()
    await desk.account_store.run(unknown_sends.drop, album)
    done = await desk.account_store.run(outgoing_files.done)
    assert set(done) == {"a.png", "b.png", "c.png"}
    await desk.account_store.run(outgoing_files.forget, done)
    assert await desk.account_store.run(outgoing_files.done) == ()

    def delete(tx: object) -> None:
        tx.db.execute("DELETE FROM outbox WHERE id = ?", (single,))  # type: ignore[attr-defined]

    await desk.account_store.run(delete)
    assert await desk.account_store.run(outgoing_files.done) == ("d.png",)


async def test_another_picture_of_the_same_name_is_no_repetition(desk: Desk) -> None:
    """The guard against loops compares whole replies: what is in a file counts, not only its name."""
    replies = []
    for path in ("/out/aaaa-1.png", "/out/aaaa-2.png", "/out/bbbb-3.png"):
        await desk.queue(Media(LAN, MediaKind.PHOTO, path, "photo.png"), purpose=Purpose.REPLY)
        chunk = await desk.take()
        replies.append(chunk.reply)
        await desk.account_store.run(sending.sent, chunk.id, Receipt((path,)))
    assert replies[0] == replies[1] != replies[2]
