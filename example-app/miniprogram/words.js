// What the user reads where a login or a request fails: by the codes of the README's error table.

const WORDS = {
  unreachable: "网络不可用，请检查网络后再试",
  invalid_request: "内容有误，请修改后再试",
  invalid_phone_code: "手机号验证已失效，请再按一次",
  content_rejected: "昵称未通过审核，请换一个",
  user_blocked: "该微信账号暂时无法登录",
  signed_out: "已退出登录",
  account_conflict: "该微信账号对应两个用户，请联系客服",
};

/** One sentence in the user's language. */
function wordsFor({ code, message, retryAfter }) {
  if (retryAfter) return `服务繁忙，请 ${retryAfter} 秒后再试`;
  // Such as a permission that the app lacks: only WeChat's words help whoever has to mend it.
  if (code === "button_failed") return `登录失败（${message}）`;
  return WORDS[code] || `登录失败（${code}）`;
}

module.exports = { wordsFor };
