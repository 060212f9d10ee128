import type { Identity } from "../identity.ts";
import { loginRequired } from "../session/guard.ts";
import type { CompletionInput, LoginPorts } from "./login-flow.ts";
import { type Known, knownIn, missingOf } from "./requirements.ts";

type Ports = Pick<
  LoginPorts<never, object>,
  "appId" | "require" | "fillIn" | "saveAvatar" | "findUser" | "saveUser"
>;
type Input = Omit<CompletionInput, "userData">;

/** `POST /profile`: a signed-in user changes what the login has stored. */
export function profileUpdate({ appId, require, fillIn, saveAvatar, findUser, saveUser }: Ports) {
  /** @throws {WechatLoginError} `login_required` where the stored user has lost something: a login asks for it */
  function refuseIncomplete(known: Known): void {
    if (missingOf(require, known).length > 0) throw loginRequired();
  }

  return async (input: Input, { user, identity }: { user: object; identity: Identity }): Promise<void> => {
    // A session that another app shares: its openid means nothing to WeChat here, a login does.
    if (identity.appId !== appId) throw loginRequired();
    // Before a phone code is paid for and a picture kept.
    refuseIncomplete({ ...knownIn(identity), ...knownIn(user), ...promisedIn(input) });
    const { nickName, phoneCode, avatar } = input;
    const named = await fillIn(nickName === undefined ? {} : { nickName }, identity);
    const picture = avatar && { avatarUrl: await saveAvatar(avatar, identity) };
    // Last: the number is paid for, and lost if anything fails after it.
    const phone = await fillIn(phoneCode === undefined ? {} : { phoneCode }, identity);
    // Not the guard's user: another request may have changed it while the picture was on its way.
    const stored = await findUser(identity);
    if (!stored) throw loginRequired();
    const known = {
      ...knownIn(identity),
      ...knownIn(stored),
      ...knownIn({ ...named, ...phone }),
      ...picture,
    };
    refuseIncomplete(known);
    await saveUser({ ...identity, ...known });
  };
}

/** What will be known where all goes well, under names and with values that say no more than that. */
function promisedIn({ nickName, phoneCode, avatar }: Input): Known {
  return knownIn({ nickName, phoneNumber: phoneCode, avatarUrl: avatar && "to come" });
}
