import { type Answer, failure, OK } from "./answer.ts";

/** What WeChat suggests to do with a text. */
export type Suggestion = "pass" | "review" | "risky";

const LABEL = { pass: 100, review: 20001, risky: 20001 };

/**
 * WeChat's side of msg_sec_check, version 2.
 *
 * @param suggest judges a text
 * @param wasHere whether a user was in the Mini Program within two hours
 */
export function contentCheck(
  suggest: (content: string) => Suggestion,
  wasHere: (openid: unknown) => boolean,
) {
  return (_query: URLSearchParams, { version, openid, content }: Record<string, unknown>): Answer => {
    if (version !== 2 || typeof content !== "string") return failure(40129, "invalid scene or version");
    if (!wasHere(openid)) return failure(61010, "code is expired");
    const suggestion = suggest(content);
    const result = { suggest: suggestion, label: LABEL[suggestion] };
    return {
      ...OK,
      result,
      detail: [{ strategy: "content_model", errcode: 0, ...result, prob: 90 }],
      trace_id: "0",
    };
  };
}
