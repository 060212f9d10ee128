/** Sends a request to the example; an answer without JSON, or none at all, becomes an `error` as well. */
export async function ask(path, init = {}) {
  try {
    const response = await fetch(`/stage${path}`, init);
    return { status: response.status, url: response.url, body: await response.json() };
  } catch {
    return { status: 0, url: "", body: { error: { code: "unreachable", message: "" } } };
  }
}

/** Posts JSON, as `wx.request` does. */
export async function post(path, body = {}, sessionToken = undefined) {
  const headers = { "Content-Type": "application/json", ...bearer(sessionToken) };
  return await ask(path, { method: "POST", headers, body: JSON.stringify(body) });
}

/** The header of who is signed in. */
export function bearer(sessionToken) {
  return sessionToken === undefined ? {} : { Authorization: `Bearer ${sessionToken}` };
}
