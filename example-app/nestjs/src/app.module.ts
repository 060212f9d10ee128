import { Module } from "@nestjs/common";
import { LoginGuard } from "./login.guard.js";
import { MeController } from "./me.controller.js";
import { WechatModule } from "./wechat.module.js";

@Module({ imports: [WechatModule], controllers: [MeController], providers: [LoginGuard] })
export class AppModule {}
