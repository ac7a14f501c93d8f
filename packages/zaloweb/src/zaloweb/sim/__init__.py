"""A Zalo on loopback: TLS for all of Zalo's host names on one port, with its own certificate authority.

async with Simulator() as sim:
    lan = sim.world.person("Trần Thị Lan")
    ...                     # a client with network=sim.network logs in and listens
    await lan.says("xin chào")
    reply = await sim.world.next_sent()
"""
