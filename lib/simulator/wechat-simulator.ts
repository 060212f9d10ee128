import { randomBytes } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { accessTokens } from "./access-tokens.ts";
import { type Answer, failure } from "./answer.ts";
import { logins } from "./code2session.ts";
import { contentCheck, type Suggestion } from "./content-check.ts";
import { type Phone, type PhoneUser, phoneOf } from "./phone.ts";
import { phoneNumbers } from "./phone-numbers.ts";

/** How one answer is bent. */
export interface Bend {
  /** Fails with this errcode; a string is sent as a string, as WeChat was once seen to do. */
  errcode?: number | string;
  /** This text instead of the answer: a gateway's HTML, broken JSON. */
  body?: string;
  /** This HTTP status. */
  status?: number;
  /** The answer comes so many milliseconds late. */
  delay?: number;
  /** No answer at all: `hang` keeps the connection open, `reset` cuts it. */
  fault?: "hang" | "reset";
}

/** One request as it came in. */
export interface SeenRequest {
  method: string;
  path: string;
  query: Record<string, string>;
  /** The JSON of a POST. */
  body?: Record<string, unknown>;
}

/** A WeChat to test against. */
export interface WechatSimulator {
  /** To be given as the option `baseUrl`. */
  baseUrl: string;
  /** Every request so far, the oldest first. */
  requests: SeenRequest[];
  /** A person's phone; each call without an `openid` is a new person. */
  phone(user?: PhoneUser): Phone;
  /** Bends the next answer; several calls bend the next several answers in turn. */
  bendNext(bend: Bend): void;
  /** Every access_token so far is refused from now on (40001), as after a forced refresh by someone else. */
  endAccessTokens(): void;
  /** Stops listening and drops every connection. */
  close(): Promise<void>;
}

/** The app that the simulator knows, and where it listens. */
export interface WechatSimulatorOptions {
  appId: string;
  secret: string;
  /** Default: a free port. */
  port?: number;
  /** What the content check (msg_sec_check) suggests for a text. Default: `pass` for everything. */
  suggest?(content: string): Suggestion;
}

/**
 * Starts a WeChat on 127.0.0.1 that behaves as the real one does: codes work once and for five minutes, a new login
 * replaces the session_key, answers are JSON in text/plain, code2Session has no `errcode` on success. It knows
 * code2Session, stable_token, getuserphonenumber, msg_sec_check, checksession and resetusersessionkey.
 *
 * @throws {Error} where the port is taken
 */
export async function wechatSimulator({
  appId,
  secret,
  port = 0,
  suggest = () => "pass",
}: WechatSimulatorOptions): Promise<WechatSimulator> {
  const { newLogin, sessionKeyOf, wasHere, ...sessions } = logins({ appId, secret });
  const { stableToken, guarded, endAll } = accessTokens({ appId, secret });
  const { newCode, getUserPhoneNumber } = phoneNumbers();
  const requests: SeenRequest[] = [];
  const bends: Bend[] = [];
  const routes: Record<string, (query: URLSearchParams, body: Record<string, unknown>) => Answer> = {
    "GET /sns/jscode2session": sessions.code2Session,
    "POST /cgi-bin/stable_token": stableToken,
    "POST /wxa/business/getuserphonenumber": guarded(getUserPhoneNumber),
    "POST /wxa/msg_sec_check": guarded(contentCheck(suggest, wasHere)),
    "GET /wxa/checksession": guarded(sessions.checkSessionKey),
    "GET /wxa/resetusersessionkey": guarded(sessions.resetUserSessionKey),
  };

  async function serve(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(String(req.url), "http://simulator");
    const method = String(req.method);
    const isPost = method === "POST";
    const body = isPost ? await jsonOf(req) : {};
    requests.push({
      method,
      path: pathname,
      query: Object.fromEntries(searchParams),
      ...(isPost && { body }),
    });
    // WeChat's gateway takes no chunked bodies.
    if (isPost && req.headers["content-length"] === undefined) return void res.writeHead(412).end();
    const bend = bends.shift() ?? {};
    if (bend.fault === "hang") return;
    if (bend.fault === "reset") return void req.socket.resetAndDestroy();
    const route = routes[`${method} ${pathname}`];
    const answer = bend.errcode === undefined && route ? route(searchParams, body) : failureOf(bend);
    if (bend.delay) await pause(bend.delay);
    res.writeHead(bend.status ?? 200, { "Content-Type": "text/plain" });
    res.end(bend.body ?? JSON.stringify(answer));
  }

  const server = createServer((req, res) => void serve(req, res));
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });

  return {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    phone(user = {}) {
      const person = {
        ...user,
        openid: user.openid ?? `o${randomBytes(21).toString("base64url").slice(0, 27)}`,
      };
      return phoneOf(person, {
        appId,
        newLogin: () => newLogin(person),
        newPhoneCode: (info) => newCode(person.openid, info),
        sessionKey: () => sessionKeyOf(person.openid),
      });
    },
    bendNext: (bend) => void bends.push(bend),
    endAccessTokens: endAll,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function failureOf({ errcode = 40066 }: Bend): Answer {
  return { ...failure(Number(errcode), Number(errcode) === 40066 ? "invalid url" : "bent"), errcode };
}

/** A body that is no JSON object counts as an empty one: the API then misses its fields. */
async function jsonOf(req: IncomingMessage): Promise<Record<string, unknown>> {
  const chunks: Buffer[] = [];
  for await (const chunk of req) chunks.push(chunk);
  try {
    return Object(JSON.parse(Buffer.concat(chunks).toString()));
  } catch {
    return {};
  }
}
