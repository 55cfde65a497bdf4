# the same under asyncio: tasks, gather, a queue, a timeout that is not hit
import asyncio


async def producer(queue, count):
    for i in range(count):
        await queue.put(i)
        await asyncio.sleep(0)
    await queue.put(None)


async def consumer(queue):
    total = 0
    while (item := await queue.get()) is not None:
        total += item
    return total


async def cancelled():
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        print("cancelled")
        raise


async def main():
    queue = asyncio.Queue(2)
    results = await asyncio.gather(producer(queue, 5), consumer(queue))
    print(results)
    task = asyncio.create_task(cancelled())
    await asyncio.sleep(0)
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        print("seen")
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(asyncio.sleep(0, i)) for i in range(3)]
    print([task.result() for task in tasks])


asyncio.run(main())
