import { type CanActivate, type ExecutionContext, Inject, Injectable } from "@nestjs/common";
import { WEB, type Web } from "./wechat.module.js";

/** Lets pass who is signed in, in the Mini Program or on the website; everyone else has their 401 by then. */
@Injectable()
export class LoginGuard implements CanActivate {
  constructor(@Inject(WEB) private readonly web: Web) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const http = context.switchToHttp();
    let isSignedIn = false;
    await this.web.requireLogin(http.getRequest(), http.getResponse(), (error) => {
      // An error of the database: Nest's exception filters answer it.
      if (error) throw error;
      isSignedIn = true;
    });
    return isSignedIn;
  }
}
