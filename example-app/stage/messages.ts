import type { Response } from "express";
import type { SecretBox } from "./secret-box.ts";

/** Who takes part: the lanes of the diagram. `phone` is the browser as well. */
export type Lane = "phone" | "server" | "wechat" | "redis" | "database";

/** One arrow of the diagram. */
export interface Message {
  from: Lane;
  to: Lane;
  title: string;
  /** The real request or answer, without the secrets. */
  detail?: unknown;
  /** An answer is drawn with a dashed line. */
  isAnswer?: boolean;
  hasFailed?: boolean;
}

/** One call from lane to lane. */
export interface Call<Result> {
  lanes: [from: Lane, to: Lane];
  title: string;
  detail?: unknown;
  /** How the answer is shown. */
  answer(result: Result): Pick<Message, "title" | "detail" | "hasFailed">;
  /** How an error is shown that is none; every other one is shown as a failure. */
  expected?(error: Error): Pick<Message, "title" | "detail"> | undefined;
}

export type Messages = ReturnType<typeof messages>;

/** What happens, told to every page as it happens (Server-Sent Events). Nothing leaves that the box does not let out. */
export function messages({ hide }: SecretBox) {
  const readers = new Set<Response>();

  function send(event: string, data: object): void {
    const text = `event: ${event}\ndata: ${hide(JSON.stringify(data))}\n\n`;
    for (const reader of readers) reader.write(text);
  }

  const tell = (message: Message) => send("message", message);

  return {
    tell,
    /** Something about the stage itself has changed: what is stored, who is up. */
    tellChange: () => send("change", {}),
    /** Tells a call as it is made, and its answer as it comes; result and error pass through untouched. */
    async watch<Result>(
      { lanes: [from, to], title, detail, answer, expected }: Call<Result>,
      work: () => Result | Promise<Result>,
    ): Promise<Result> {
      tell({ from, to, title, detail });
      const back = { from: to, to: from, isAnswer: true };
      try {
        const result = await work();
        tell({ ...back, ...answer(result) });
        return result;
      } catch (error) {
        const { name, message } = error as Error;
        const failure = { title: name, detail: message, hasFailed: true };
        tell({ ...back, ...(expected?.(error as Error) ?? failure) });
        throw error;
      }
    },
    /** Lets a page listen. */
    stream(res: Response): void {
      res.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-store" });
      res.write(": listening\n\n");
      readers.add(res);
      res.once("close", () => readers.delete(res));
    },
    /** Ends every stream, so that the server can close. */
    close(): void {
      for (const reader of readers) reader.end();
    },
  };
}
