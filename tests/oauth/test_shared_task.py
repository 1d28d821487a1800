"""One task at a time for all callers: who begins it, who waits, and loops that end."""

import asyncio
from typing import Any

import pytest

from hookline import HttpClient
from hookline_oauth.shared_task import SharedTask


class Job:
    """Work that waits for a gate, and is needed until it was done."""

    def __init__(self) -> None:
        self.begun = self.ended = self.notified = 0
        self.gate = asyncio.Event()
        self.error: Exception | None = None

    def is_needed(self) -> bool:
        return not self.ended

    async def work(self) -> None:
        self.begun += 1
        await self.gate.wait()
        if self.error is not None:
            raise self.error
        self.ended += 1

    async def after(self) -> None:
        self.notified += 1

    def run(self, shared: SharedTask, client: HttpClient) -> asyncio.Task[None]:
        return asyncio.ensure_future(shared.run(client, self.is_needed, self.work, self.after))


async def turns() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_work_is_done_once() -> None:
    job, shared = Job(), SharedTask()
    async with HttpClient() as client:
        tasks = [job.run(shared, client) for _ in range(50)]
        await turns()
        job.gate.set()
        await asyncio.gather(*tasks, job.run(shared, client))
    assert (job.begun, job.ended, job.notified) == (1, 1, 1)


@pytest.mark.parametrize("cancelled", [[0], [1], [0, 1], [0, 1, 2]])
async def test_cancelled_ones_harm_nobody(cancelled: list[int]) -> None:
    job, shared = Job(), SharedTask()
    async with HttpClient() as client:
        tasks = [job.run(shared, client) for _ in range(4)]
        await turns()
        for number in cancelled:
            tasks[number].cancel()
        await turns()
        job.gate.set()
        await asyncio.wait_for(tasks[3], 5)
        assert [task.cancelled() for task in tasks] == [number in cancelled for number in range(4)]
    assert (job.begun, job.ended, job.notified) == (1, 1, 1)


async def test_error_reaches_all_and_the_next_may_try_again() -> None:
    job, shared = Job(), SharedTask()
    job.error = LookupError("no")
    async with HttpClient() as client:
        tasks = [job.run(shared, client) for _ in range(3)]
        await turns()
        job.gate.set()
        assert [type(found) for found in await asyncio.gather(*tasks, return_exceptions=True)] == [LookupError] * 3
        job.error = None
        await job.run(shared, client)
    assert (job.begun, job.ended, job.notified) == (2, 1, 1)


async def test_task_that_is_cancelled_before_its_first_step_is_begun_anew() -> None:
    job, shared = Job(), SharedTask()
    job.gate.set()
    async with HttpClient() as client:
        task = job.run(shared, client)
        await asyncio.sleep(0)  # the task of the work exists, and has not run
        next(iter(client.loop_resources._tasks)).cancel()
        await asyncio.wait_for(task, 5)
    assert (job.begun, job.ended, job.notified) == (1, 1, 1)


async def test_error_behind_the_work_is_not_lost_where_nobody_waits(caplog: pytest.LogCaptureFixture) -> None:
    reported: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context["exception"]))
    job, shared = Job(), SharedTask()

    async def fail() -> None:
        raise LookupError("the disk is full")

    async with HttpClient() as client:
        task = asyncio.ensure_future(shared.run(client, job.is_needed, job.work, fail))
        await turns()
        task.cancel()
        await turns()
        job.gate.set()
        await turns()
    del task
    import gc

    gc.collect()
    assert [str(error) for error in reported] == ["the disk is full"]


def test_loop_that_ends_leaves_no_task_behind() -> None:
    shared = SharedTask()

    async def once(job: Job, seconds: float) -> None:
        async with HttpClient() as client:
            await asyncio.wait_for(job.run(shared, client), seconds)

    with pytest.raises(TimeoutError):
        asyncio.run(once(Job(), 0.05))
    job = Job()
    job.gate.set()
    asyncio.run(once(job, 5))
    assert job.ended == 1
