import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { TmplGroup } from "glass-easel-template-compiler";

/** The templates of WeChat's own elements. */
const ELEMENTS = {
  view: "<slot />",
  text: "<slot />",
  button: "<slot />",
  form: "<slot />",
  image: `<img wx:if="{{address}}" src="{{address}}" alt="" />`,
  input: "",
};

/** A Mini Program for the runner: texts as they are in the folder, templates compiled, style sheets made CSS. */
export async function readProgram(folder: string) {
  const texts: Record<string, string> = {};
  for (const path of await readdir(folder, { recursive: true })) {
    if (/\.(js|json|wxml|wxss)$/.test(path)) texts[path] = await readFile(join(folder, path), "utf8");
  }
  const styles = Object.keys(texts).filter((path) => path.endsWith(".wxss"));
  return { texts, templates: compiled(texts), styles: styles.map((path) => cssOf(texts[path])).join("\n") };
}

/**
 * @throws {Error} where a template is wrong
 */
function compiled(texts: Record<string, string>): string {
  const group = new TmplGroup();
  const own = Object.entries(texts).flatMap(([path, text]) => {
    const name = /^(.*)\.wxml$/.exec(path)?.[1];
    return name === undefined ? [] : [[name, text]];
  });
  const wechats = Object.entries(ELEMENTS).map(([name, text]) => [`wechat/${name}`, text]);
  for (const [path = "", text = ""] of [...own, ...wechats]) {
    const problems: object[] = group.addTmpl(path, text);
    if (problems.length > 0) throw new Error(`${path}.wxml: ${JSON.stringify(problems)}`);
  }
  return group.getTmplGenObjectGroups();
}

/** 750rpx are the width of any screen. */
function cssOf(wxss = ""): string {
  return wxss.replaceAll(/([\d.]+)rpx/g, (_all, number) => `${Number(number) / 7.5}vw`);
}
