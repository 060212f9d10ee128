import { expect } from "chai";
import fc from "fast-check";
import { startApp } from "../support/login-app.ts";
import { PICTURES } from "../support/pictures.ts";
import { RUNS, runs } from "./runs.ts";

const BOUNDARY = "----b";
const STATUS = [400, 401, 413, 415];

/** Multipart bodies, broken in every way. */
const line = fc.oneof(
  fc.constantFrom(
    `--${BOUNDARY}`,
    `--${BOUNDARY}--`,
    'Content-Disposition: form-data; name="temporaryToken"',
    'Content-Disposition: form-data; name="avatar"; filename="a.png"',
    'Content-Disposition: form-data; name="nickName"',
    "Content-Disposition: form-data",
    "Content-Type: image/png",
    "",
    "\u0089PNG\r\n\u001a\n",
  ),
  fc.string({ unit: "binary" }),
);
const broken = fc.array(line, { maxLength: 12 }).map((lines) => Buffer.from(lines.join("\r\n"), "latin1"));

/** Whole forms, which get as far as what is in them allows. */
const field = fc.tuple(
  fc.constantFrom("temporaryToken", "nickName", "encryptedData", "errMsg", "__proto__"),
  fc.oneof(fc.stringMatching(/^[\w-]{43}$/), fc.string({ unit: "binary" })),
);
const file = fc.constantFrom(PICTURES.png, PICTURES.gif, Buffer.from("<svg onload='x()'>"), Buffer.alloc(0));
const part = (name: string, bytes: Uint8Array) => [
  Buffer.from(`--${BOUNDARY}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n`),
  bytes,
  Buffer.from("\r\n"),
];
const whole = fc
  .tuple(fc.array(field, { maxLength: 4 }), fc.option(file))
  .map(([fields, avatar]) =>
    Buffer.concat([
      ...fields.flatMap(([name, value]) => part(name, Buffer.from(value))),
      ...(avatar ? part('avatar"; filename="a.png', avatar) : []),
      Buffer.from(`--${BOUNDARY}--\r\n`),
    ]),
  );
const form = fc.oneof(broken, whole);

describe("for any input: forms and tokens", () => {
  it("any multipart body on any route is answered by the contract, and leaves nothing behind", async function () {
    this.timeout(RUNS * 200);
    const saveAvatar = () => "https://cdn/1";
    const { url, wechat, post, hostErrors, users, keys } = await startApp({ saveAvatar, session: {} });
    const { sessionToken } = (await post("/wx/login", wechat.phone({ unionid: "u1" }).login())).body;
    const before = await keys();
    const headers = {
      "Content-Type": `multipart/form-data; boundary=${BOUNDARY}`,
      Authorization: `Bearer ${sessionToken}`,
    };
    const route = fc.constantFrom("/wx/login/complete", "/wx/profile");
    await fc.assert(
      fc.asyncProperty(route, form, async (path, bytes) => {
        const response = await fetch(url + path, { method: "POST", headers, body: new Uint8Array(bytes) });
        const answer = (await response.json()) as object;
        if (response.status === 200) {
          expect([path, answer]).to.deep.equal(["/wx/profile", { status: "saved" }]);
        } else {
          expect(Object.keys(answer)).to.deep.equal(["error"]);
          expect(STATUS).to.include(response.status);
        }
        expect([hostErrors, users.length, await keys()]).to.deep.equal([[], 1, before]);
      }),
      runs(),
    );
  });

  it("any session token is nobody's, and any header is answered", async function () {
    this.timeout(RUNS * 200);
    const { url, hostErrors } = await startApp({ session: {} });
    const text = fc.oneof(fc.stringMatching(/^[ -~]*$/), fc.stringMatching(/^[\w-]{54}$/));
    await fc.assert(
      fc.asyncProperty(text, async (token) => {
        const response = await fetch(`${url}/me`, { headers: { Authorization: `Bearer ${token}` } });
        expect([response.status, hostErrors]).to.deep.equal([401, []]);
      }),
      runs(),
    );
  });
});
