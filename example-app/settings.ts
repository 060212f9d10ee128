/** Where the example listens, and where others find it. */
export interface Place {
  port: number;
  /** Absent: on all interfaces. */
  listenHost: string | undefined;
  /** What browsers see, without a slash at its end. */
  publicUrl: string;
}

/**
 * @param isSimulated anyone can log in as anyone at a simulated WeChat: it is for this machine only, if `LISTEN_HOST` says
 *   nothing else
 * @throws {Error} one sentence on what to set
 */
export function placeOf(env: NodeJS.ProcessEnv, isSimulated: boolean): Place {
  const { PORT = "3000", LISTEN_HOST } = env;
  return {
    port: Number(PORT),
    listenHost: LISTEN_HOST || (isSimulated ? "127.0.0.1" : undefined),
    publicUrl: publicUrlIn(env) ?? `http://localhost:${PORT}`,
  };
}

/** @throws {Error} if it is missing in production: avatars would be stored as `http://localhost/…`, and cookies not be Secure */
export function publicUrlIn({ PUBLIC_URL, NODE_ENV }: NodeJS.ProcessEnv): string | undefined {
  if (PUBLIC_URL) {
    if (/^https?:\/\//i.test(PUBLIC_URL) && URL.canParse(PUBLIC_URL)) return PUBLIC_URL.replace(/\/+$/, "");
    throw new Error(
      `PUBLIC_URL is ${PUBLIC_URL}: set it to the address that browsers see, such as https://example.com`,
    );
  }
  if (NODE_ENV !== "production") return undefined;
  throw new Error(
    "Set PUBLIC_URL to the address that browsers see, such as https://example.com: in production avatars, cookies and WeChat's redirects need it",
  );
}

/** What the work returns; an error of it ends the process. */
export function orRefuse<Result>(work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    return refuse(error as Error);
  }
}

/** Ends the process with one sentence; the stack would hide it. */
export function refuse({ message }: Error): never {
  console.error(message);
  process.exit(1);
}
