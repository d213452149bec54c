/** Creating a task: once for each form, despite double clicks. */

import { ApiError, request } from "./api.js";
import { MOST_BYTES, bodyOf, formatOf } from "./core/elements.js";

/** One for each form. It remembers its request, so that a repetition is the same task. */
export class Creation {
  constructor() {
    this.busy = false;
    this.last = { body: undefined, key: undefined };
    this.upload = { file: undefined, inputRef: undefined };
  }

  /**
   * @param {{kind: "TASK" | "SFN_TASK", taskType: string, name: string}} task
   * @param {{input?: string, file?: File}} source
   * @param {(share: number) => void} tell how much of a file is there
   * @returns {Promise<object>} the task
   */
  async send(task, { input, file }, tell) {
    const inputRef = file && (await this.uploaded(file, tell));
    const body = bodyOf(task, { input, inputRef });
    if (new Blob([body]).size > MOST_BYTES) {
      throw new ApiError(413, "This input has more than 3,000,000 bytes. Make a fan-out of a file instead.");
    }
    if (body !== this.last.body) this.last = { body, key: crypto.randomUUID() };
    const path = task.kind === "SFN_TASK" ? "tasks/step-function-task" : "tasks";
    const answer = await request(path, { method: "POST", body, headers: { "Idempotency-Key": this.last.key } });
    return answer.data;
  }

  /** The file's reference in the bucket. A second try with the same file does not send it again. */
  async uploaded(file, tell) {
    if (this.upload.file === file) return this.upload.inputRef;
    const format = formatOf(file.name);
    if (!format) throw new ApiError(400, "Choose a file whose name ends in .jsonl or .csv.");
    const { data } = await request("uploads", { method: "POST", body: JSON.stringify({ format }) });
    await put(data, file, tell);
    this.upload = { file, inputRef: data.inputRef };
    return data.inputRef;
  }
}

/** fetch reports no progress, and a file may have gigabytes. */
function put({ url, headers }, file, tell) {
  return new Promise((resolve, reject) => {
    const sending = new XMLHttpRequest();
    const fail = (words) => reject(new ApiError(sending.status, words));
    sending.open("PUT", url);
    for (const [name, value] of Object.entries(headers)) sending.setRequestHeader(name, value);
    sending.upload.onprogress = ({ loaded, total }) => tell(total ? loaded / total : 0);
    sending.onerror = () => fail("The file could not be sent to the bucket.");
    sending.onload = () => {
      if (sending.status < 300) resolve();
      else fail(`The bucket did not take the file: ${sending.status}.`);
    };
    sending.send(file);
  });
}
