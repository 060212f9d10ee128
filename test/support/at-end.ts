const ofTest: (() => unknown)[] = [];
const ofFile = new Set<() => unknown>();

/** Closes something after the test that is running. */
export function atEnd(close: () => unknown): void {
  ofTest.push(close);
}

/** Closes something after all tests of this process, or of this file if files run beside each other. */
export function atEndOfFile(close: () => unknown): void {
  ofFile.add(close);
}

export async function endTest(): Promise<void> {
  for (const close of ofTest.splice(0).reverse()) await close();
}

export async function endFile(): Promise<void> {
  for (const close of ofFile) await close();
}
