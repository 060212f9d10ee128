import { Controller, Get, Inject, Post, Req, UseGuards } from "@nestjs/common";
import type { Request } from "express";
import { LoginGuard } from "./login.guard.js";
import { WEB, type Web } from "./wechat.module.js";

@Controller("me")
@UseGuards(LoginGuard)
export class MeController {
  constructor(@Inject(WEB) private readonly web: Web) {}

  @Get()
  show(@Req() req: Request) {
    const { id, unionid, nickName } = this.web.userOf(req);
    return { id, unionid, nickName };
  }

  @Post("sign-out-everywhere")
  async signOutEverywhere(@Req() req: Request) {
    await this.web.signOutEverywhere(this.web.identityOf(req));
    return { status: "signed_out" };
  }
}
