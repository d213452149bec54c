/** Words and colours of statuses, and the actions that they allow. Pure. */

export const KINDS = { TASK: "Task", SFN_TASK: "Fan-out" };

/** Every status in the order of a task's life: its name, colour and meaning. */
export const STATUSES = {
  CREATED: { label: "Created", tone: "waiting", means: "saved, not sent yet" },
  QUEUED: { label: "Queued", tone: "waiting", means: "its message is on the queue" },
  STARTED: { label: "Started", tone: "waiting", means: "its state machine execution has started" },
  PROCESSING: { label: "Processing", tone: "running", means: "a worker runs it" },
  ERRORED: { label: "Errored", tone: "warning", means: "an attempt failed, another one is due" },
  FINISHED: { label: "Finished", tone: "running", means: "every sub-task has ended, the fan-in runs" },
  COMPLETED: { label: "Completed", tone: "good", means: "done" },
  FAILED: { label: "Failed", tone: "bad", means: "ended without success" },
  CANCELLED: { label: "Cancelled", tone: "muted", means: "stopped on request" },
};

const ENDED = new Set(["COMPLETED", "FAILED", "CANCELLED"]);

/** @param {string} status */
export function ended(status) {
  return ENDED.has(status);
}

/** An unknown status, of a newer stack, is shown unchanged. */
export function described(status) {
  return STATUSES[status] ?? { label: status, tone: "muted", means: "" };
}

/** Actions in a task's status: docs/concepts.md, "Runs", and docs/rest-endpoints.md, "Get all results". */
export function actionsOf(task) {
  const over = ended(task.status);
  const { result, resultUrl } = task.attributes;
  const fanOut = task.kind === "SFN_TASK";
  return {
    cancel: !over,
    retry: task.status === "FAILED" || task.status === "CANCELLED",
    results: fanOut ? over : task.status === "COMPLETED" && (resultUrl !== undefined || result !== undefined),
  };
}

/** @returns {number} 0 to 1. A single task without a checkpoint reports nothing before its end. */
export function progressOf(task) {
  if (task.status === "COMPLETED") return 1;
  return task.attributes.progress ?? 0;
}

/** How long its worker has given no sign of life, where its lease is over. Looks of the sweeper are none.
 * @param {object} task
 * @param {number} at in ms
 * @returns {number | undefined} in ms
 */
export function silentFor(task, at) {
  const lease = Date.parse(task.leaseUntil ?? "");
  if (task.status !== "PROCESSING" || !(lease < at)) return undefined;
  return at - Math.min(lease, Date.parse(task.updatedAt));
}

const LONG_IN_QUEUE = 120_000;

/** How long it has waited for a worker, where that is long. @returns {number | undefined} in ms */
export function waitsFor(task, at) {
  const last = task.history?.at(-1);
  const waits = last?.status === "QUEUED" ? at - Date.parse(last.at) : 0;
  return waits > LONG_IN_QUEUE ? waits : undefined;
}

/** Sub-tasks by outcome. The task itself counts the ended ones; its chunks know the running ones.
 * @param {object} task a fan-out
 * @param {object[]} [chunks] all of its chunks, if they are known
 * @returns {{succeeded: number, failed: number, running: number, waiting: number, total: number}}
 */
export function countsOf(task, chunks = []) {
  const attributes = task.attributes;
  const total = attributes.subTaskCount ?? 0;
  const over = ended(task.status);
  const sum = (of) => chunks.reduce((all, chunk) => all + of(chunk), 0);
  const known = chunks.length > 0 && !over;
  const succeeded = known ? sum((chunk) => chunk.succeeded) : attributes.subTaskSucceedCount ?? 0;
  const failed = known ? sum((chunk) => chunk.failed) : attributes.subTaskFailedCount ?? 0;
  const left = Math.max(0, total - succeeded - failed);
  const inWork = sum((chunk) => (chunk.status === "PROCESSING" ? chunk.count - chunk.succeeded - chunk.failed : 0));
  const running = over ? 0 : Math.min(left, Math.max(0, inWork));
  return { succeeded, failed, running, waiting: left - running, total };
}
