"""One worker's time with one claimed chunk."""

from __future__ import annotations

from serverless_tasks.core.fan_out.chunks import Chunk
from serverless_tasks.workers.chunk.agenda import Agenda
from serverless_tasks.workers.chunk.chunk_outcomes import ChunkOutcomes
from serverless_tasks.workers.chunk.held_chunk import HeldChunk
from serverless_tasks.workers.chunk.sub_task_run import SubTaskRun

MAX_SILENT_DEATHS = 5
"""Claims in a row whose workers died without a sign of which sub-task killed them."""


def run_chunk(held: HeldChunk) -> Chunk:
    """Run what is due, retry what becomes due in time, write the outcomes; returns the released chunk.

    Raises :class:`LostRace` when the chunk was taken over, and :class:`Unread` when nothing could be begun.
    """
    outcomes = ChunkOutcomes(held)
    careful = held.chunk.claims > 1
    if careful:
        _charge_the_dead(held, outcomes)
    careful = careful or outcomes.killed_a_worker()
    agenda = Agenda(held, outcomes)
    if agenda.due_in() is not None:
        held.load_elements()
    if held.policy.concurrency == 1 or careful:
        _run_in_turn(agenda, outcomes, careful)
    else:
        # Here and not above, as with all that needs asyncio: it is slow to import, and most chunks do without.
        from serverless_tasks.workers.chunk.crew import Crew

        Crew(held, agenda, outcomes).run()
    return outcomes.release()


def _run_in_turn(agenda: Agenda, outcomes: ChunkOutcomes, careful: bool) -> None:
    """One at a time; a careful worker, whatever the type's concurrency, so that a crash is charged to one alone."""
    while agenda.wait():
        offset = agenda.take()
        if careful:
            outcomes.mark_in_flight(offset)
        run = agenda.begin(offset)
        if (ended := run.run()) is None:
            return
        agenda.end(run, ended)
        if outcomes.flush_is_due(careful=careful) and not outcomes.flush():
            return


def _charge_the_dead(held: HeldChunk, outcomes: ChunkOutcomes) -> None:
    """Charge the sub-task that was in flight when a worker died, or all when it is never known which."""
    chunk, open_offsets = held.chunk, {offset for _, offset in outcomes.open()}
    if chunk.in_flight is not None:
        charged = {chunk.in_flight - chunk.range.first} & open_offsets
    else:
        charged = open_offsets if chunk.claims > MAX_SILENT_DEATHS else set()
    for offset in sorted(charged):
        run = SubTaskRun(held, offset, outcomes.attempts(offset) + 1, first=True)
        outcomes.keep(offset, run.lost(permanent=chunk.in_flight is None).line)
    if charged:
        outcomes.flush()
