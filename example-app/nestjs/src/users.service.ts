import { Injectable } from "@nestjs/common";
import { AccountConflictError, type Identity, type UserToSave } from "express-wechat-login";

/** A person, with an openid in each app. */
export interface User {
  id: number;
  unionid?: string;
  nickName?: string;
  avatarUrl?: string;
  openids: Record<string, string>;
}

/** The users of this example, in memory. With a database: docs/databases.md of express-wechat-login. */
@Injectable()
export class UsersService {
  private readonly users: User[] = [];

  find({ appId, openid, unionid }: Identity): (User & { openid: string | undefined }) | undefined {
    const byOpenid = this.users.find((user) => user.openids[appId] === openid);
    const byUnionid = unionid === undefined ? undefined : this.users.find((user) => user.unionid === unionid);
    if (byOpenid && byUnionid && byOpenid !== byUnionid) throw new AccountConflictError();
    const user = byUnionid ?? byOpenid;
    return user && { ...user, openid: user.openids[appId] };
  }

  save({ appId, openid, ...known }: UserToSave<["unionid"]>): void {
    const id = this.find({ appId, openid, ...known })?.id ?? this.add();
    const user = this.users[id - 1] as User;
    Object.assign(user, known);
    user.openids[appId] = openid;
  }

  private add(): number {
    return this.users.push({ id: this.users.length + 1, openids: {} });
  }
}
