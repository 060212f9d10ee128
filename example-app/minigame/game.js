const { createLogin } = require("./wechat-login.js");
const { origin, login: path } = require("./config.js");

const login = createLogin({ wx, url: origin + path });
const { windowWidth, windowHeight } = wx.getSystemInfoSync();
const canvas = wx.createCanvas();
const screen = canvas.getContext("2d");

/** One line of text in the middle of the screen. */
function show(text) {
  screen.fillStyle = "#ededed";
  screen.fillRect(0, 0, canvas.width, canvas.height);
  screen.fillStyle = "#000";
  screen.font = "20px sans-serif";
  screen.textAlign = "center";
  screen.fillText(text, canvas.width / 2, canvas.height / 2);
}

async function play() {
  const { nickName } = await login.request({ url: `${origin}/me` });
  show(`你好，${nickName}`);
}

/** WeChat lays this button over the canvas. `wx.login` was before it: its data are sealed with the key of that. */
function askWithButton() {
  const left = (windowWidth - 200) / 2;
  const style = {
    left,
    top: windowHeight * 0.6,
    width: 200,
    height: 44,
    lineHeight: 44,
    textAlign: "center",
  };
  const look = { backgroundColor: "#07c160", color: "#ffffff", fontSize: 17, borderRadius: 8 };
  const button = wx.createUserInfoButton({
    type: "text",
    text: "微信授权登录",
    withCredentials: true,
    style: { ...style, ...look },
  });
  button.onTap(({ errMsg, encryptedData, iv, rawData, signature }) =>
    attempt(async () => {
      const answer = await login.complete({ errMsg, encryptedData, iv, rawData, signature });
      if (answer.status === "incomplete")
        return show(answer.refused ? "您已拒绝，可以再按一次" : "请再按一次");
      button.destroy();
      await play();
    }),
  );
}

async function attempt(work) {
  try {
    await work();
  } catch (error) {
    show(error.retryAfter ? `服务繁忙，请 ${error.retryAfter} 秒后再试` : `登录失败（${error.code}）`);
  }
}

attempt(async () => {
  show("正在登录…");
  // One whose session is stored plays at once; the first request finds out whether it is over.
  const { status } = login.isSignedIn() ? { status: "signed_in" } : await login.start();
  if (status === "signed_in") return await play();
  show("请先登录");
  askWithButton();
});
