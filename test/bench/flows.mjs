// What one act of each flow sends, and what it expects: a wrong answer is an error and no figure.
import { userDataOf } from "./people.mjs";

/** Nobody's code is used twice, and each phone has sealed its data before the clock runs. */
const PHONES = Array.from({ length: 500 }, (_, index) => `phone${index}`);
let phones;
let nonce = 0;

function nextPhone() {
  phones ??= PHONES.map((name) => ({ name, userData: userDataOf(name) }));
  nonce += 1;
  return phones[nonce % phones.length];
}

const codeOf = (name) => `${name}.${process.pid}x${nonce}`;
const post = (path, body, headers) => ({
  method: "POST",
  path,
  headers: { "content-type": "application/json", ...headers },
  body: JSON.stringify(body),
});

function expectIn(answer, part) {
  if (answer.status === 200 && answer.text.includes(part)) return;
  throw new Error(`${answer.status} ${answer.text.slice(0, 200)} without ${part}`);
}

/** The first request of a phone, and what its second one needs. */
async function begin(send) {
  const { name, userData } = nextPhone();
  const answer = await send(post("/login", { code: codeOf(name) }));
  expectIn(answer, "incomplete");
  return { userData, temporaryToken: JSON.parse(answer.text).temporaryToken, headers: cookieOf(answer) };
}

async function complete(send, { userData, temporaryToken, headers }) {
  const answer = await send(post("/login/complete", { temporaryToken, ...userData }, headers));
  expectIn(answer, "signed_in");
}

const cookieOf = ({ headers }) => {
  const cookie = headers["set-cookie"];
  return cookie && { cookie: String(cookie).split(";")[0] };
};

/** `prepare` is not measured; what it gives is for one `act`, or, `prepareOnce`, for all acts of one connection. */
export const flows = {
  "sign-in": { act: async (send) => complete(send, await begin(send)) },
  pending: { act: begin },
  complete: { prepare: begin, act: complete },
  silent: {
    async act(send) {
      nonce += 1;
      expectIn(await send(post("/login", { code: codeOf(`bound-${process.pid}x${nonce}`) })), "signed_in");
    },
  },
  "silent-wafer": {
    async act(send) {
      const { name, userData } = nextPhone();
      const headers = {
        "x-wx-code": codeOf(name),
        "x-wx-encrypted-data": userData.encryptedData,
        "x-wx-iv": userData.iv,
      };
      expectIn(
        await send({ method: "GET", path: "/login", headers }),
        "F2C224D4-2BCE-4C64-AF9F-A6D872000D1A",
      );
    },
  },
  echo: {
    async act(send) {
      const { userData } = nextPhone();
      expectIn(await send(post("/login/complete", { temporaryToken: "x".repeat(43), ...userData })), "xxx");
    },
  },
  guard: {
    async prepareOnce(send) {
      nonce += 1;
      const answer = await send(post("/login", { code: codeOf(`bound-${nonce}`) }));
      const { sessionToken } = JSON.parse(answer.text);
      return sessionToken ? { authorization: `Bearer ${sessionToken}` } : cookieOf(answer);
    },
    act: async (send, headers) => expectIn(await send({ method: "GET", path: "/me", headers }), "openid"),
  },
};
