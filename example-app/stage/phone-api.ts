import express, { type Router } from "express";
import type { Phone } from "express-wechat-login/simulator";
import { renderSVG } from "uqr";
import type { Messages } from "./messages.ts";
import type { people } from "./people.ts";

/**
 * What a Mini Program can ask its phone, by the name of WeChat's API; `…Refused`: the user says no, `…Disagreed`: to the
 * privacy agreement, which is all that ordinary Mini Programs are still asked about.
 */
const ACTIONS: Record<string, (phone: Phone) => { errMsg: string }> = {
  login: (phone) => phone.login(),
  getUserInfo: (phone) => phone.getUserInfo(),
  getUserInfoRefused: (phone) => phone.refuse("getUserInfo"),
  getUserInfoDisagreed: () => ({ errMsg: "getUserInfo:fail privacy permission is not authorized" }),
  getPhoneNumber: (phone) => phone.getPhoneNumber(),
  getPhoneNumberRefused: (phone) => phone.refuse("getPhoneNumber"),
};

/**
 * The simulated phones: what the page's Mini Program gets from its `wx`, and the camera that scans a QR code.
 *
 * @param authorizeBaseUrl where WeChat's page is that the QR code leads to
 */
export function phoneApi(
  { phoneOf }: ReturnType<typeof people>,
  { watch }: Messages,
  authorizeBaseUrl: string,
): Router {
  const router = express.Router();

  router.post("/phone/:person/:action", async (req, res) => {
    const { person, action } = req.params;
    const act = Object.hasOwn(ACTIONS, action) ? ACTIONS[action] : undefined;
    if (!act) throw new RangeError("A phone cannot do that.");
    const name = `wx.${action.replace(/Refused|Disagreed/, "")}`;
    const answer = (detail: { errMsg: string }) => ({
      title: detail.errMsg.endsWith(":ok") ? "ok" : "deny",
      detail,
    });
    res.json(await watch({ lanes: ["phone", "wechat"], title: name, answer }, () => act(phoneOf(person))));
  });

  router.post("/scan/:person/:answer", async (req, res) => {
    const { person, answer } = req.params;
    const url = authorizeUrl(authorizeBaseUrl, queryOf(req.url));
    const refuse = answer === "refuse";
    const detail = { location: url };
    const location = await watch(
      {
        ...{ lanes: ["phone", "wechat"], title: "qrconnect", detail },
        answer: (back) => ({ title: refuse ? "deny" : "code", detail: { location: back } }),
      },
      () => phoneOf(person).authorize(url, { refuse }),
    );
    res.json({ location });
  });

  router.get("/qr.svg", (req, res) => {
    res.type("svg").send(renderSVG(authorizeUrl(authorizeBaseUrl, queryOf(req.url)), { border: 2 }));
  });

  return router;
}

function queryOf(url: string): URLSearchParams {
  return new URLSearchParams(/\?.*/.exec(url)?.[0]);
}

/** WeChat wants the parameters in this order. */
function authorizeUrl(baseUrl: string, query: URLSearchParams): string {
  const given = (name: string) => query.get(name) ?? "";
  const ordered = new URLSearchParams({
    ...{ appid: given("appid"), redirect_uri: given("redirect_uri"), response_type: "code" },
    ...{ scope: given("scope"), state: given("state") },
  });
  return `${baseUrl}/connect/qrconnect?${ordered}#wechat_redirect`;
}
