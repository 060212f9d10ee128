import type { Identity } from "express-wechat-login";

/** A person; `openid` is the one in the app that was asked for. */
export interface User {
  id: number;
  openid: string | null;
  unionid: string | null;
  nickName: string | null;
  avatarUrl: string | null;
  phoneNumber: string | null;
}

/** What the login knows of a person when it stores one. */
export type UserToSave = Identity & Partial<Record<"nickName" | "avatarUrl" | "phoneNumber", string>>;

/** Where people are stored, whatever the database is. */
export interface Users {
  /** @throws {AccountConflictError} where the openid is one user's and the unionid another's */
  find(identity: Identity): Promise<User | undefined>;
  /** Creates or updates; fields that are not given stay as they are. @throws {AccountConflictError} as `find` */
  save(user: UserToSave): Promise<void>;
  all(): Promise<User[]>;
  /** Fails where the database does not answer. */
  ping(): Promise<void>;
  close(): Promise<void>;
}
