const { createLogin } = require("./wechat-login.js");
const { origin, login: path } = require("./config.js");

const login = createLogin({ wx, url: origin + path });
const { windowWidth, windowHeight } = wx.getSystemInfoSync();
const canvas = wx.createCanvas();
const screen = canvas.getContext("2d");
let button; // WeChat's, as long as it is over the canvas
let hasFailed = false;

/** Lines of text in the middle of the screen. */
function show(...lines) {
  screen.fillStyle = "#ededed";
  screen.fillRect(0, 0, canvas.width, canvas.height);
  screen.fillStyle = "#000";
  screen.font = "20px sans-serif";
  screen.textAlign = "center";
  for (const [at, line] of lines.entries()) {
    // Squeezed, where it is wider than the screen.
    screen.fillText(line, canvas.width / 2, canvas.height / 2 + at * 32, canvas.width);
  }
}

/** The first request logs in where no session is stored, or where it is over. */
async function play() {
  show("正在登录…");
  const { nickName } = await login.request({ url: `${origin}/me` });
  show(`你好，${nickName}`);
}

/** WeChat lays this button over the canvas. `wx.login` was before it: its data are sealed with the key of that. */
function askWithButton() {
  show("请先登录");
  // Two taps may both have found that the user has to be asked.
  if (button) return;
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
  button = wx.createUserInfoButton({
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
      removeButton();
      await play();
    }),
  );
}

function removeButton() {
  if (button) button.destroy();
  button = undefined;
}

async function attempt(work) {
  hasFailed = false;
  try {
    await work();
  } catch (error) {
    if (error.code === "login_incomplete") return askWithButton();
    hasFailed = true;
    show(...wordsFor(error), button ? "请再按一次" : "点击屏幕重试");
  }
}

function wordsFor({ code, message, retryAfter }) {
  if (retryAfter) return [`服务繁忙，请 ${retryAfter} 秒后再试`];
  // Such as a permission that the app lacks: only WeChat's words help whoever has to mend it.
  return code === "button_failed" ? ["登录失败", message] : [`登录失败（${code}）`];
}

// WeChat's button is pressed by itself, and tries again by itself.
wx.onTouchStart(() => {
  if (hasFailed && !button) attempt(play);
});

attempt(play);
