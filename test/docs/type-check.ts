import { join } from "node:path";
import ts from "typescript";
import { MORE_TYPES, NAMES, NEST_NAMES } from "./names.ts";
import type { Block } from "./pages.ts";

/** Where the blocks seem to be: in files of this package, with its imports. */
const PLACE = join(process.cwd(), "blocks");
/** A page shows plain JavaScript, and leaves out what everyone knows. */
const LOOSE: ts.CompilerOptions = {
  strict: false,
  exactOptionalPropertyTypes: false,
  noImplicitReturns: false,
  noUnusedLocals: false,
  noUnusedParameters: false,
  isolatedModules: false,
  verbatimModuleSyntax: false,
  erasableSyntaxOnly: false,
  experimentalDecorators: true,
  allowJs: true,
  checkJs: true,
  types: ["node"],
};

/** Compiles the blocks as one program, none of which sees another's names; gives what is wrong with each. */
export function typeCheck(blocks: Block[]): Map<Block, string[]> {
  const given = { names: NAMES, nest: NEST_NAMES, more: MORE_TYPES };
  const files = new Map(Object.entries(given).map(([name, text]) => [join(PLACE, `${name}.d.ts`), text]));
  const names = new Map(blocks.map((block, index) => [block, join(PLACE, `${index}.${block.language}`)]));
  for (const [{ code }, name] of names) files.set(name, `${statementsOf(code)}\nexport {};\n`);
  const { config } = ts.readConfigFile("tsconfig.json", ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, process.cwd());
  const program = ts.createProgram([...files.keys()], { ...options, ...LOOSE }, hostOf(options, files));
  for (const name of Object.keys(given)) {
    const wrong = diagnose(program, join(PLACE, `${name}.d.ts`));
    if (wrong.length > 0) throw new Error(`${name}: ${wrong.join("\n")}`);
  }
  return new Map([...names].map(([block, name]) => [block, diagnose(program, name)]));
}

/** A callback that is shown alone, as in `saveAvatar: async () => …,`, is a member of an object. */
function statementsOf(code: string): string {
  return /\},\s*$/.test(code) ? `({${code}});` : code;
}

function hostOf(options: ts.CompilerOptions, files: Map<string, string>): ts.CompilerHost {
  const host = ts.createCompilerHost(options);
  return {
    ...host,
    fileExists: (name) => files.has(name) || host.fileExists(name),
    readFile: (name) => files.get(name) ?? host.readFile(name),
    getSourceFile(name, target) {
      const text = files.get(name);
      return text === undefined ? host.getSourceFile(name, target) : ts.createSourceFile(name, text, target);
    },
  };
}

function diagnose(program: ts.Program, name: string): string[] {
  const file = program.getSourceFile(name);
  if (!file) throw new Error(`${name} is no part of the program.`);
  const found = [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)];
  return found.map(({ start = 0, messageText }) => {
    const { line } = file.getLineAndCharacterOfPosition(start);
    return `line ${line + 1}: ${ts.flattenDiagnosticMessageText(messageText, "\n")}`;
  });
}
