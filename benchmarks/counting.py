"""Our client counting messages, as `reference/count.mjs` is the reference client counting them.

It logs in with the credentials in CREDENTIALS, listens, and ends after as many messages as the first argument
says.
"""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import aclosing

from zaloweb import Credentials, Message, Session, Zalo, log_in


async def main(wanted: int) -> None:
    count = 0
    async with Zalo(await logged_in()) as zalo, aclosing(zalo.events()) as events:
        async for event in events:
            count += isinstance(event, Message)
            if count == wanted:
                return


async def logged_in() -> Session:
    """A session from the credentials in the environment."""
    return await log_in(Credentials.from_json(os.environ["CREDENTIALS"]))


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
