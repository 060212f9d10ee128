import { login } from "../our-login.mjs";

/** Mounted straight on node:http. */
export function handler(env) {
  const wx = login(env);
  return (req, res) => {
    const failed = (error) => {
      res.statusCode = error ? 500 : 404;
      res.end();
    };
    if (req.url !== "/me") return wx(req, res, failed);
    wx.requireLogin(req, res, (error) => {
      if (error) return failed(error);
      res.writeHead(200, { "Content-Type": "application/json" }).end(JSON.stringify(wx.identityOf(req)));
    });
  };
}
