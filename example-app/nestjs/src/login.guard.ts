import {
  type CanActivate,
  type ExecutionContext,
  HttpException,
  Inject,
  Injectable,
  UnauthorizedException,
} from "@nestjs/common";
import { WechatLoginError } from "express-wechat-login";
import { WEB, type Web } from "./wechat.module.js";

/** Lets pass who is signed in, in the Mini Program or on the website. It answers nothing itself: Nest's filters do. */
@Injectable()
export class LoginGuard implements CanActivate {
  constructor(@Inject(WEB) private readonly web: Web) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const visitor = await this.web.authenticate(context.switchToHttp().getRequest()).catch(rethrow);
    if (visitor) return true;
    // The body by which the client knows that it has to log in.
    const error = new WechatLoginError("login_required", "Nobody is signed in: log in again.");
    throw new UnauthorizedException(error.toJSON());
  }
}

/** An AccountConflictError has its answer; an error of the database is Nest's. */
function rethrow(error: unknown): never {
  throw error instanceof WechatLoginError ? new HttpException(error.toJSON(), error.status) : error;
}
