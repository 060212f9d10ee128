import { expect } from "chai";
import { placeOf } from "../../example-app/settings.ts";

const problem = (env: NodeJS.ProcessEnv) => {
  try {
    return placeOf(env, false);
  } catch (error) {
    return (error as Error).message;
  }
};

describe("the place of the example", () => {
  it("is this machine alone where WeChat is simulated, unless it is said otherwise", () => {
    const publicUrl = "http://localhost:3000";
    expect(placeOf({}, true)).to.deep.equal({ port: 3000, listenHost: "127.0.0.1", publicUrl });
    expect(placeOf({}, false)).to.deep.equal({ port: 3000, listenHost: undefined, publicUrl });
    for (const isSimulated of [true, false]) {
      expect(placeOf({ LISTEN_HOST: "0.0.0.0" }, isSimulated)).to.include({ listenHost: "0.0.0.0" });
    }
  });

  it("has the address that browsers see, with or without a slash at its end", () => {
    for (const PUBLIC_URL of ["https://example.com", "https://example.com/"]) {
      const env = { PUBLIC_URL, NODE_ENV: "production", PORT: "8080" };
      expect(placeOf(env, false)).to.deep.include({ port: 8080, publicUrl: "https://example.com" });
    }
    expect(placeOf({ PORT: "8080" }, false)).to.include({ publicUrl: "http://localhost:8080" });
  });

  it("is refused in a sentence where that is missing in production, or is no address", () => {
    for (const PUBLIC_URL of [undefined, ""]) {
      const env = { NODE_ENV: "production", ...(PUBLIC_URL !== undefined && { PUBLIC_URL }) };
      expect(problem(env)).to.match(/^Set PUBLIC_URL to the address that browsers see, such as https:/);
    }
    for (const PUBLIC_URL of [
      "example.com",
      "localhost:3000",
      "ftp://example.com",
      "https://",
      "//example.com",
    ]) {
      expect(problem({ PUBLIC_URL })).to.include(`PUBLIC_URL is ${PUBLIC_URL}: set it to the address`);
    }
  });
});
