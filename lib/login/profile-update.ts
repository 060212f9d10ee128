import type { Identity } from "../identity.ts";
import { loginRequired } from "../session/guard.ts";
import type { CompletionInput, LoginPorts } from "./login-flow.ts";
import { knownIn, missingOf } from "./requirements.ts";

/** `POST /profile`: a signed-in user changes what the login has stored. */
export function profileUpdate({
  appId,
  require,
  fillIn,
  saveAvatar,
  saveUser,
}: Pick<LoginPorts<never, object>, "appId" | "require" | "fillIn" | "saveAvatar" | "saveUser">) {
  return async (
    input: Omit<CompletionInput, "userData">,
    { user, identity }: { user: object; identity: Identity },
  ): Promise<void> => {
    // A session that another app shares: its openid means nothing to WeChat here, a login does.
    if (identity.appId !== appId) throw loginRequired();
    const { phoneCode: _, ...filledIn } = await fillIn(input, identity);
    const picture = input.avatar && { avatarUrl: await saveAvatar(input.avatar, identity) };
    const known = { ...knownIn({ ...identity, ...knownIn(user) }), ...knownIn(filledIn), ...picture };
    // The stored user has lost something that is required: a login asks for it.
    if (missingOf(require, known).length > 0) throw loginRequired();
    await saveUser({ ...identity, ...known });
  };
}
