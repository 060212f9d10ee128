/** The floor: what a JSON body costs in Node without any framework. */
export const handler = () => (req, res) => {
  const chunks = [];
  req.on("data", (chunk) => chunks.push(chunk));
  req.on("end", () => {
    const body = Buffer.from(JSON.stringify(JSON.parse(Buffer.concat(chunks).toString())));
    res.writeHead(200, { "Content-Type": "application/json", "Content-Length": body.length }).end(body);
  });
};
