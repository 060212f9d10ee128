/** The whole body of an answer that tells an error, `docs` included. */
export function errorBody(code: string, message: string, errcode?: number) {
  const docs = `docs/troubleshooting.md#${code}`;
  return { error: { code, message, docs, ...(errcode === undefined ? {} : { errcode }) } };
}
