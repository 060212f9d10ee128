// The phone that the page runs on: its storage and files are the browser's, its WeChat is the test's simulator.
import { wxOf } from "./wx.js";

const dialog = document.querySelector("#dialog");
const album = document.querySelector("#album");
const files = new Map();

/** WeChat asks, and the person presses one of two buttons. */
function ask(question) {
  dialog.querySelector("p").textContent = question;
  dialog.showModal();
  return new Promise((resolve) => {
    for (const button of dialog.querySelectorAll("button")) {
      button.onclick = () => {
        dialog.close();
        resolve(button.value === "allow");
      };
    }
  });
}

/** The person chooses a picture; it gets a path that means something on this phone only. */
function choosePicture() {
  album.value = "";
  album.click();
  return new Promise((resolve) => {
    album.onchange = () => {
      const path = `http://tmp/${files.size}.png`;
      files.set(path, album.files[0]);
      resolve(path);
    };
  });
}

const device = {
  wechat: (...args) => window.simulatedPhone(args),
  ask,
  storage: {
    get: (key) => localStorage.getItem(key),
    set: (key, value) => localStorage.setItem(key, value),
    remove: (key) => localStorage.removeItem(key),
  },
  files,
};

const { wx, press, privacyProblem } = wxOf(device);

/** `<button open-type="chooseAvatar">` asks for the agreement first; it tells nobody of a refusal. */
async function chooseAvatar() {
  const problem = await privacyProblem("button.chooseAvatar");
  return problem ? { errMsg: `chooseAvatar:fail ${problem}` } : { avatarUrl: await choosePicture() };
}

/** What `e.detail` holds after a button with this open-type was pressed. */
export function pressed(openType) {
  return openType === "chooseAvatar" ? chooseAvatar() : press(openType);
}

/** Where a picture can be loaded from: a path on the phone is none for a browser. */
export function addressOf(src) {
  return files.has(src) ? URL.createObjectURL(files.get(src)) : src;
}

export { wx };
