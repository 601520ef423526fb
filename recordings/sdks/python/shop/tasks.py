"""Work that goes on beside requests."""

import asyncio
import gc
import random


# @moved
class StockError(Exception):
    """The stock of something is not known."""


async def refresh(name):
    await asyncio.sleep(0)
    raise StockError(f"stock of {name} is unknown, batch {random.randrange(10**6)}")


async def refresh_all(names):
    async with asyncio.TaskGroup() as group:
        for name in names:
            group.create_task(refresh(name))


async def nested(depth):
    if depth:
        return await nested(depth - 1)
    return await refresh("tea")


async def fire_and_forget():
    task = asyncio.get_running_loop().create_task(refresh("forgotten"))
    await asyncio.wait([task])
    del task
    gc.collect()


async def slow_supplier():
    async with asyncio.timeout(0.01):
        await asyncio.sleep(60)


def ship(order):
    return pack(order)


def pack(order):
    boxes = []
    return boxes[order]
